"""Data: bring examples, see what they are like, what is wrong with them, and how they will be split."""

from pathlib import Path
from typing import Literal

import streamlit as st

from advisor.errors import DataError, InputError
from advisor.ui import frame, look, preview, session, state, uploads

SEVERITY: dict[str, tuple[look.Colour, str]] = {
    "high": ("red", "Serious"),
    "medium": ("orange", "Worth a look"),
    "low": ("gray", "Minor"),
    "info": ("gray", "Note"),
}
SAMPLES: dict[Literal["images", "text"], tuple[str, str]] = {
    "images": ("Handwritten digits", "600 small images in 10 classes"),
    "text": ("Support tickets", "389 texts in English and Chinese, 6 intents"),
}


def take(path: Path, name: str) -> None:
    """Make these the data of the draft."""
    state.change(data=state.DataSource(path=str(path), name=name))
    st.session_state.pop("data.complaint", None)


def take_file() -> None:
    """Keep an uploaded file."""
    upload = st.session_state["data.file"]
    if upload is not None:
        take(uploads.keep(upload), upload.name)


def take_folder() -> None:
    """Keep an uploaded folder."""
    files = st.session_state["data.folder"]
    if files:
        try:
            path = uploads.keep_folder(files)
        except DataError as error:
            st.session_state["data.complaint"] = str(error)
        else:
            take(path, path.name)


def take_path() -> None:
    """Use data that already lie on the server."""
    typed = st.session_state["data.path"].strip()
    path = Path(typed).expanduser()
    if not typed:
        return
    if path.exists():
        take(path.resolve(), path.name)
    else:
        st.session_state["data.complaint"] = f"There is no file or folder {typed!r} on this machine."


def take_sample(name: Literal["images", "text"]) -> None:
    """Make the bundled sample, if need be, and use it."""
    from advisor.home import home
    from advisor.samples import sample

    take(sample(name, home() / "samples"), SAMPLES[name][0])


def take_columns() -> None:
    """Read the table again with the chosen columns."""
    data = state.draft().data
    if data is not None:
        columns = {"text": st.session_state.get("data.text"), "label": st.session_state.get("data.label")}
        state.change(data=data.model_copy(update=columns | {"profile": None}))


def forget() -> None:
    """Put the data away; the file itself stays."""
    state.change(data=None)


def choose_columns(path: Path) -> None:
    """Let the user say which column holds the text and which the label."""
    try:
        names = session.columns(path)
    except InputError:
        return
    if len(names) < 2:
        return
    data = state.draft().data
    with st.container(border=True):
        st.markdown("**Which columns count?**")
        left, right = st.columns(2)
        for place, key, label in ((left, "text", "The text"), (right, "label", "The class")):
            current = getattr(data, key)
            place.selectbox(
                label,
                names,
                index=names.index(current) if current in names else None,
                key=f"data.{key}",
                placeholder="Choose a column",
            )
        st.button("Read with these columns", on_click=take_columns, type="primary")


st.title("Your data")
draft = state.draft()

if draft.data is None:
    st.markdown(
        "Labelled examples are the best judge of models. They stay on the machine that runs this program."
    )
    drop, hints = st.columns([1.6, 1], gap="large")
    with drop:
        st.file_uploader(
            "A zip with one folder per class, or a table with a text and a label column",
            type=list(uploads.SUFFIXES),
            key="data.file",
            on_change=take_file,
        )
        with st.expander("A folder of images instead"):
            st.file_uploader(
                "A folder with one sub-folder per class",
                accept_multiple_files="directory",
                key="data.folder",
                on_change=take_folder,
            )
        with st.expander("A path on this machine instead"):
            st.text_input("Folder or file", key="data.path", on_change=take_path, placeholder="/data/photos")
        if complaint := st.session_state.get("data.complaint"):
            st.error(session.safe(complaint))
    with hints:
        st.caption("Images, as folder or zip")
        st.code("photos/\n  cats/  1.jpg  2.png …\n  dogs/  7.jpg  8.jpg …", language=None)
        st.caption("Texts, as CSV, TSV, JSONL, Parquet or Excel")
        st.code("text,label\nWhere is my parcel?,delivery\n发票开错了,billing", language=None)
    st.header("Or look around with a sample", anchor=False)
    with st.grid(2, min_column_width=260):
        for name, (title, says) in SAMPLES.items():
            with st.container(border=True):
                st.markdown(f"**{title}**")
                st.caption(says)
                st.button("Use this sample", key=f"sample {name}", on_click=take_sample, args=(name,))
    st.stop()

source = draft.data
path = Path(source.path)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.markdown(f"**{session.safe(source.name)}**", width="content")
    st.button("Use other data", type="tertiary", on_click=forget, icon=":material/swap_horiz:")
try:
    with st.spinner("Reading …"):
        data = session.dataset(source)
        profile = session.profile_of(data.sha256, data)
except DataError as error:
    st.error(session.safe(error.what), title="These data cannot be used as they are")
    if error.allowed:
        st.caption(f"Allowed: {session.safe(error.allowed)}")
    if error.fix:
        st.caption(session.safe(error.fix))
    choose_columns(path)
    st.stop()

if source.profile != profile:
    answers = draft.answers
    if not answers.get("task"):
        answers = answers | {"task": profile.task}
    state.change(data=source.model_copy(update={"profile": profile}), answers=answers)
    st.rerun()

brief, filled = state.effective_brief()
splits = session.splits(data)
if brief and brief.task != profile.task:
    st.warning(
        f"These look like data for {session.safe(session.task_name(profile.task).lower())}, but the need says "
        f"{session.safe(session.task_name(brief.task).lower())}. The need wins; a probe needs both to agree.",
    )

from advisor import charts  # noqa: E402
from advisor.ui import figures  # noqa: E402

kind = "pixels on the shorter side" if profile.sizes else "tokens"
spread = profile.sizes or profile.lengths
with st.grid(4, min_column_width=150):
    st.metric("Examples", look.number(profile.examples))
    st.metric("Classes", look.number(len(profile.counts)))
    st.metric("Largest ÷ smallest class", f"{profile.imbalance:.1f} ×")
    if spread:
        st.metric(
            f"Typical size, {kind}",
            look.number(spread[2]),
            help=f"Half of them lie between {spread[1]:g} and {spread[3]:g}.",
        )
if profile.languages:
    shares = ", ".join(f"{tag} {look.percent(share)}" for tag, share in list(profile.languages.items())[:5])
    st.caption(f"Languages: {shares}")
if data.columns:
    st.caption(
        f"Read from the columns {session.safe(data.columns[0])} (text) and {session.safe(data.columns[1])} (class)."
    )
if filled:
    names = ", ".join(key.removeprefix("data.").replace("_", " ") for key in filled)
    st.caption(f"Filled into your need: {names}.")

left, right = st.columns([1.3, 1], gap="large")
with left:
    st.header("A look at them", anchor=False)
    preview.show(data)
with right:
    st.header("Findings", anchor=False)
    order = list(SEVERITY)
    findings = sorted(data.findings, key=lambda finding: order.index(finding.severity))
    if not findings:
        st.caption("Nothing stands out.")
    for finding in findings:
        colour, word = SEVERITY[finding.severity]
        with st.container(border=True, gap="xsmall"):
            st.badge(word, color=colour)
            st.markdown(session.safe(finding.detail))
            if finding.examples:
                with st.expander(f"{len(finding.examples)} examples"):
                    st.markdown("\n".join(f"- {session.safe(example)}" for example in finding.examples))
    st.header("How they are split", anchor=False)
    st.markdown(
        f"- Learn from **{look.number(len(splits.train))}** examples\n"
        f"- Choose by **{look.number(len(splits.select))}** others\n"
        f"- Judge once, at the very end, by **{look.number(len(splits.report))}** that nothing has seen"
    )
    st.caption("Each class is split alike, and copies of an example stay on one side.")
    st.page_link(frame.page("probe"), label="Plan the probe", icon=":material/arrow_forward:")
figures.show(charts.class_balance(profile.counts), "balance")
if data.columns:
    with st.expander("Use other columns"):
        choose_columns(path)
