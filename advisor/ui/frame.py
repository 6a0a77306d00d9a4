"""What surrounds every page: navigation in the order of the job, and one line that shows where the job stands."""

from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from advisor.errors import AdvisorError
from advisor.ui import look, state

__all__ = ["ICON", "PAGES", "page", "show", "waits_for"]

ICON = f"data:image/svg+xml,{quote((look.STATIC / 'icon.svg').read_text(encoding='utf-8'))}"
HERE = Path(__file__).parent
PAGES = {
    "need": "Need",
    "shortlist": "Shortlist",
    "data": "Data",
    "probe": "Probe",
    "decision": "Decision",
    "models": "Models",
    "runs": "Runs",
}


def page(name: str) -> str:
    """Give the path of a page, for links."""
    return str(HERE / f"{name}.py")


def show() -> None:
    """Show the page that the user chose, within the frame; a complaint stands where it happened."""
    pages = [st.Page(page(name), title=title, default=name == "need") for name, title in PAGES.items()]
    chosen = st.navigation(pages, position="top")
    st.html(look.STATIC / "style.css")
    state.begin()
    with st.container(key="state", horizontal=True, gap="small"):
        _state_line()
    complaint = st.session_state.pop("complaint", None)
    if complaint:
        st.error(complaint, title="The link could not be read")
    try:
        chosen.run()
    except AdvisorError as error:
        st.error(error.what, title="This does not work yet")
        if error.allowed:
            st.caption(f"Allowed: {error.allowed}")
        if error.fix:
            st.caption(error.fix)


def waits_for(what: str, name: str) -> NoReturn:
    """Say what a page waits for, link there, and end the page.

    :param what: for example "Choose what the model should do first."
    :param name: the page where that happens.
    """
    with st.container(border=True):
        st.markdown(what)
        st.page_link(page(name), label=f"Go to {PAGES[name]}", icon=":material/arrow_forward:")
    raise StopException


def _state_line() -> None:
    from advisor.ui import session

    draft = state.draft()
    brief, _ = state.effective_brief()
    task = session.task_name(brief.task) if brief else "not chosen"
    device = session.device_name(brief.constraints.device) if brief else "This machine"
    data = session.data_line(draft.data) if draft.data else "none yet"
    run = session.run_line(draft.run)
    for label, value in (("Task", task), ("Device", device), ("Data", data), ("Run", run)):
        st.markdown(f":gray[{label}] {session.safe(value)}", width="content")
