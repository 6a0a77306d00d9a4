"""The app: `streamlit run streamlit_app.py` or `advisor app`."""

import streamlit as st

from advisor.ui import frame

st.set_page_config(page_title="Model Advisor", page_icon=frame.ICON, layout="wide")
frame.show()
