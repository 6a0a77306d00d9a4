"""A first look at data: a contact sheet per class, or rows of a table."""

import io
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from advisor.dataset.types import Dataset
from advisor.errors import AdvisorError
from advisor.ui import session
from advisor.ui.words import t

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["picture", "show"]

CLASSES, EACH, EDGE = 8, 6, 96


def show(data: Dataset) -> None:
    """Show some examples of each class, and say how many classes are not shown."""
    if data.task == "image-classification":
        for label in data.classes[:CLASSES]:
            st.caption(session.safe(label))
            st.image(_sheet(data.sha256, label, data), alt=t("Examples of {label}", label=label))
    else:
        picks = [pick for label in data.classes[:CLASSES] for pick in islice(_of(data, label), 3)]
        rows = [
            {t("Class"): data.labels[i], t("Text"): data.contents[i][:400], t("Where"): data.ids[i]}
            for i in picks
        ]
        st.dataframe(
            rows, hide_index=True, alt=t("Examples of each class"), height=min(60 + 35 * len(rows), 520)
        )
    hidden = len(data.classes) - CLASSES
    if hidden > 0:
        st.caption(t("and {n} more classes", n=str(hidden)))


@st.cache_resource(max_entries=256, show_spinner=False)
def picture(run: Path, id: str) -> bytes | None:
    """Draw one example of a run, small.

    :param run: the run's folder.
    :param id: the example's id.
    :return: a PNG; None where the example is no longer there.
    """
    from advisor.dataset import load_image
    from advisor.jobs.folder import RunFolder

    try:
        examples = RunFolder(run).examples()
        content = examples.contents[examples.ids.index(id)]
        image = load_image(Path(examples.origin), content)
    except (OSError, ValueError, AdvisorError):
        return None
    drawn = io.BytesIO()
    _fit(image).save(drawn, "PNG")
    return drawn.getvalue()


def _fit(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    scale = EDGE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)


def _of(data: Dataset, label: str) -> "islice[int]":
    return islice((i for i, name in enumerate(data.labels) if name == label), None)


@st.cache_resource(max_entries=128, show_spinner=False)
def _sheet(sha256: str, label: str, _data: Dataset) -> bytes:
    from PIL import Image

    from advisor.dataset import ImageReader

    sheet = Image.new("RGBA", (EACH * (EDGE + 6), EDGE), (0, 0, 0, 0))
    reader = ImageReader(_data.origin)
    for place, index in enumerate(islice(_of(_data, label), EACH)):
        image = _fit(reader(_data.contents[index]))
        sheet.paste(image, (place * (EDGE + 6), (EDGE - image.height) // 2))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()
