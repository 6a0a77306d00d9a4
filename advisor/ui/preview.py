"""A first look at data: a contact sheet per class, or rows of a table."""

import io
from itertools import islice

import streamlit as st

from advisor.dataset.types import Dataset
from advisor.ui import session

__all__ = ["show"]

CLASSES, EACH, EDGE = 8, 6, 96


def show(data: Dataset) -> None:
    """Show some examples of each class, and say how many classes are not shown."""
    if data.task == "image-classification":
        for label in data.classes[:CLASSES]:
            st.caption(session.safe(label))
            st.image(_sheet(data.sha256, label, data), alt=f"Examples of {label}")
    else:
        picks = [pick for label in data.classes[:CLASSES] for pick in islice(_of(data, label), 3)]
        rows = [
            {"Class": data.labels[i], "Text": data.contents[i][:400], "Where": data.ids[i]} for i in picks
        ]
        st.dataframe(
            rows, hide_index=True, alt="Examples of each class", height=min(60 + 35 * len(rows), 520)
        )
    hidden = len(data.classes) - CLASSES
    if hidden > 0:
        st.caption(f"and {hidden} more classes")


def _of(data: Dataset, label: str) -> "islice[int]":
    return islice((i for i, name in enumerate(data.labels) if name == label), None)


@st.cache_resource(max_entries=128, show_spinner=False)
def _sheet(sha256: str, label: str, _data: Dataset) -> bytes:
    from PIL import Image

    from advisor.dataset import ImageReader

    sheet = Image.new("RGBA", (EACH * (EDGE + 6), EDGE), (0, 0, 0, 0))
    reader = ImageReader(_data.origin)
    for place, index in enumerate(islice(_of(_data, label), EACH)):
        image = reader(_data.contents[index]).convert("RGB")
        image.thumbnail((EDGE, EDGE))
        if max(image.size) < EDGE:
            scale = EDGE / max(image.size)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = image.resize(size, Image.Resampling.NEAREST)
        sheet.paste(image, (place * (EDGE + 6), (EDGE - image.height) // 2))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
