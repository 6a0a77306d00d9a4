"""Data: bring examples, see what they are like, what is wrong with them, and how they will be split."""

from pathlib import Path
from typing import Literal

import streamlit as st

from advisor.brief import Brief
from advisor.dataset.types import Dataset, Profile
from advisor.errors import DataError, InputError, StorageError
from advisor.ui import frame, look, preview, questions, session, state, uploads
from advisor.ui.owner import owner
from advisor.ui.words import t, tongue

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

UNEVEN = 2.0


def take(path: Path, name: str) -> None:
    """Make these the data of the draft."""
    state.change(data=state.DataSource(path=str(path), name=name))
    st.session_state.pop("data.complaint", None)


def take_file() -> None:
    """Keep an uploaded file."""
    upload = st.session_state["data.file"]
    if upload is not None:
        try:
            path = uploads.keep(upload)
        except StorageError as error:
            st.session_state["data.complaint"] = str(error)
        else:
            take(path, upload.name)
            uploads.release([upload])


def take_folder() -> None:
    """Keep an uploaded folder."""
    files = st.session_state["data.folder"]
    if files:
        try:
            path = uploads.keep_folder(files)
        except (DataError, StorageError) as error:
            st.session_state["data.complaint"] = str(error)
        else:
            take(path, path.name)
            uploads.release(files)


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


def take_unlabelled() -> None:
    """Keep an uploaded file of examples without labels."""
    upload, data = st.session_state["data.unlabelled"], state.draft().data
    if upload is None or data is None:
        return
    try:
        path = uploads.keep(upload)
    except StorageError as error:
        st.session_state["data.spare"] = str(error)
    else:
        state.change(data=data.model_copy(update={"unlabelled": str(path), "unlabelled_name": upload.name}))
        uploads.release([upload])


def leave_unlabelled() -> None:
    """Put the examples without labels away; everything else stays."""
    data = state.draft().data
    if data is not None:
        state.change(data=data.model_copy(update={"unlabelled": None, "unlabelled_name": ""}))


def spare(source: state.DataSource, data: Dataset) -> None:
    """Take examples without labels, say what is made of them, and let them go again."""
    with st.expander(t("More examples, without labels"), expanded=source.unlabelled is not None):
        st.caption(
            t(
                "Models that allow it are first adapted to them; that counts only where it helps on your labelled "
                "examples."
            )
        )
        if source.unlabelled is None:
            kinds = {
                "image-classification": "A zip of images, in folders or not",
                "text-classification": "A text file with one text a line, or a table",
            }
            images = data.task == "image-classification"
            st.file_uploader(
                t(kinds[data.task]),
                type=["zip"] if images else ["txt", *uploads.SUFFIXES[1:]],
                key="data.unlabelled",
                on_change=take_unlabelled,
            )
            if complaint := st.session_state.pop("data.spare", None):
                st.error(session.safe(t(complaint)))
            return
        st.markdown(f"**{session.safe(source.unlabelled_name)}**")
        try:
            with st.spinner(t("Reading …")):
                found = session.unlabelled(source, data)
        except DataError as error:
            frame.complain(error, t("These examples cannot be used as they are"))
        else:
            for finding in found.findings:
                st.markdown(session.safe(t(finding.detail)))
        st.button(t("Leave them out"), on_click=leave_unlabelled, type="tertiary")


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
        st.markdown(f"**{t('Which columns count?')}**")
        left, right = st.columns(2)
        for place, key, label in ((left, "text", "The text"), (right, "label", "The class")):
            current = getattr(data, key)
            place.selectbox(
                t(label),
                names,
                index=names.index(current) if current in names else None,
                key=f"data.{key}",
                placeholder=t("Choose a column"),
            )
        st.button(t("Read with these columns"), on_click=take_columns, type="primary")


def count_alike() -> None:
    """Judge models by a measure in which every class counts alike."""
    state.change(answers=state.draft().answers | {"metric": "balanced_accuracy"})


def settled(brief: Brief, profile: Profile, filled: tuple[str, ...]) -> None:
    """Say in a sentence what was brought, what was set by it, and what is worth setting.

    Classes count as uneven from twice as many examples in the largest as in the smallest on.
    """
    uneven = profile.imbalance >= UNEVEN
    says = {
        ("image-classification", False): "You brought {n} images in {k} classes of similar size.",
        ("image-classification", True): "You brought {n} images in {k} uneven classes.",
        ("text-classification", False): "You brought {n} texts in {k} classes of similar size.",
        ("text-classification", True): "You brought {n} texts in {k} uneven classes.",
    }[profile.task, uneven]
    told = [t(says, n=look.number(profile.examples), k=look.number(len(profile.counts)))]
    if filled:
        names = questions.join(questions.FACTS[key] for key in filled)
        told.append(t("We set in your need: {facts}.", facts=names))
    with st.container(border=True, key="settled"):
        st.markdown(f"**{told[0]}** {' '.join(told[1:])}")
        if uneven and brief.metric == "accuracy":
            st.caption(
                t("With uneven classes a model can look right often and still miss the rare ones entirely.")
            )
            st.button(t("Let every class count alike"), on_click=count_alike, icon=":material/balance:")
        st.page_link(frame.page("need"), label=t("See or change your need"), icon=":material/tune:")


st.title(t("Your data"))
draft = state.draft()

if draft.data is None:
    st.markdown(
        t("Labelled examples are the best judge of models. They stay on the machine that runs this program.")
    )
    script = (look.STATIC / "upload_progress.js").read_text(encoding="utf-8")
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
    drop, hints = st.columns([1.6, 1], gap="large")
    with drop:
        st.file_uploader(
            t("A zip with one folder per class, or a table with a text and a label column"),
            type=list(uploads.SUFFIXES),
            key="data.file",
            on_change=take_file,
        )
        with st.expander(t("A folder of images instead")):
            st.file_uploader(
                t("A folder with one sub-folder per class"),
                accept_multiple_files="directory",
                key="data.folder",
                on_change=take_folder,
            )
        if owner() is None:
            with st.expander(t("A path on this machine instead")):
                st.text_input(
                    t("Folder or file"), key="data.path", on_change=take_path, placeholder="/data/photos"
                )
        if complaint := st.session_state.get("data.complaint"):
            st.error(session.safe(t(complaint)))
    with hints:
        st.caption(t("Images, as folder or zip"))
        st.code("photos/\n  cats/  1.jpg  2.png …\n  dogs/  7.jpg  8.jpg …", language=None)
        st.caption(t("Texts, as CSV, TSV, JSONL, Parquet or Excel"))
        st.code("text,label\nWhere is my parcel?,delivery\n发票开错了,billing", language=None)
    st.header(t("Or look around with a sample"), anchor=False)
    with st.grid(2, min_column_width=260):
        for name, (title, says) in SAMPLES.items():
            with st.container(border=True):
                st.markdown(f"**{t(title)}**")
                st.caption(t(says))
                st.button(t("Use this sample"), key=f"sample {name}", on_click=take_sample, args=(name,))
    st.stop()

source = draft.data
path = Path(source.path)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.markdown(f"**{session.safe(session.data_name(source))}**", width="content")
    st.button(t("Use other data"), type="tertiary", on_click=forget, icon=":material/swap_horiz:")
bar = st.empty()


def reading(done: int, total: int) -> None:
    """Tell how far the reading is; a press on another button ends it here."""
    bar.progress(done / total, text=f"{t('Reading …')} {look.percent(done / total)}")


try:
    with st.spinner(t("Reading …")):
        data = session.dataset(source, reading)
        profile = session.profile_of(data.sha256, data)
    bar.empty()
except DataError as error:
    frame.complain(error, t("These data cannot be used as they are"))
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
        t(
            "These look like data for {found}, but the need says {asked}. The need wins; a probe needs both to agree.",
            found=session.safe(session.task_name(profile.task).lower()),
            asked=session.safe(session.task_name(brief.task).lower()),
        )
    )

if brief:
    settled(brief, profile, filled)

from advisor import charts  # noqa: E402
from advisor.ui import figures  # noqa: E402

typical = t("Typical size, pixels on the shorter side") if profile.sizes else t("Typical length, tokens")
spread = profile.sizes or profile.lengths
with st.grid(4, min_column_width=150):
    st.metric(t("Examples"), look.number(profile.examples))
    st.metric(t("Classes"), look.number(len(profile.counts)))
    st.metric(t("Largest ÷ smallest class"), f"{profile.imbalance:.1f} ×")
    if spread:
        st.metric(
            typical,
            look.number(spread[2]),
            help=t("Half of them lie between {low} and {high}.", low=f"{spread[1]:g}", high=f"{spread[3]:g}"),
        )
if profile.languages:
    shares = questions.join(
        f"{tongue(tag)} {look.percent(share)}" for tag, share in list(profile.languages.items())[:5]
    )
    st.caption(t("Languages: {shares}", shares=shares))
if data.columns:
    st.caption(
        t(
            "Read from the columns {first} (text) and {second} (class).",
            first=session.safe(data.columns[0]),
            second=session.safe(data.columns[1]),
        )
    )

left, right = st.columns([1.3, 1], gap="large")
with left:
    st.header(t("A look at them"), anchor=False)
    preview.show(data)
with right:
    st.header(t("Findings"), anchor=False)
    order = list(SEVERITY)
    findings = sorted(data.findings, key=lambda finding: order.index(finding.severity))
    if not findings:
        st.caption(t("Nothing stands out."))
    for finding in findings:
        colour, word = SEVERITY[finding.severity]
        with st.container(border=True, gap="xsmall"):
            st.badge(t(word), color=colour)
            st.markdown(session.safe(t(finding.detail)))
            if finding.examples:
                with st.expander(t("{n} examples", n=str(len(finding.examples)))):
                    st.markdown("\n".join(f"- {session.safe(example)}" for example in finding.examples))
    st.header(t("How they are split"), anchor=False)
    st.markdown(
        "\n".join(
            f"- {t(says, n=look.number(len(part)))}"
            for says, part in (
                ("Learn from **{n}** examples", splits.train),
                ("Choose by **{n}** others", splits.select),
                ("Judge once, at the very end, by **{n}** that nothing has seen", splits.report),
            )
        )
    )
    st.caption(t("Each class is split alike, and copies of an example stay on one side."))
    st.page_link(frame.page("probe"), label=t("Plan the probe"), icon=":material/arrow_forward:")
spare(source, data)
figures.show(charts.class_balance(profile.counts), "balance")
if data.columns:
    others = st.expander(t("Use other columns"), key="data.others", on_change="rerun")
    if others.open:
        with others:
            choose_columns(path)
