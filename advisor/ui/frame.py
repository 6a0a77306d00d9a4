"""What surrounds every page: navigation in the order of the job, where the job stands, and the language."""

import gc
from functools import lru_cache
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import streamlit as st
from streamlit.runtime.scriptrunner import StopException

from advisor.allocator import give_back_freed_memory
from advisor.errors import AdvisorError
from advisor.language import LANGUAGES, Language
from advisor.ui import look, state
from advisor.ui.owner import has_to_log_in
from advisor.ui.words import NAMES, language, t

__all__ = ["ICON", "PAGES", "complain", "page", "show", "waits_for"]

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
TONGUE = '<script>document.documentElement.lang = "{tag}";\n{words}</script>'
COLLECT_S = 10.0
TAGS = {"en": "en", "zh": "zh-CN"}
"""How a browser and a screen reader call the languages."""


def page(name: str) -> str:
    """Give the path of a page, for links."""
    return str(HERE / f"{name}.py")


def show() -> None:
    """Show the page that the user chose, within the frame; a complaint stands where it happened."""
    if has_to_log_in():
        _door()
        return
    state.begin()
    pages = [st.Page(page(name), title=t(title), default=name == "need") for name, title in PAGES.items()]
    chosen = st.navigation(pages, position="top")
    st.html(look.STATIC / "style.css")
    st.html(_tongue(language()), unsafe_allow_javascript=True)
    with st.container(key="state", horizontal=True, gap="small", vertical_alignment="center"):
        _state_line()
        _switch()
        if "is_logged_in" in st.user:
            st.button(t("Log out"), on_click=st.logout, type="tertiary")
    complaint = st.session_state.pop("complaint", None)
    if complaint:
        st.error(t(complaint), title=t("The link could not be read"))
    try:
        chosen.run()
    except AdvisorError as error:
        complain(error, t("This does not work yet"))
    _collect()


def _door() -> None:
    """Ask who is there before anything is shown, a draft behind a link included."""
    st.title("Model Advisor")
    st.markdown(t("Data, drafts and runs belong to whoever is logged in."))
    st.button(t("Log in"), type="primary", on_click=st.login)


@st.cache_resource(ttl=COLLECT_S, show_spinner=False)
def _collect() -> None:
    """Collect garbage now and then; after every run of a page, as Streamlit would, it takes longer than the page."""
    gc.collect()
    give_back_freed_memory()


def complain(error: AdvisorError, title: str) -> None:
    """Say what is wrong, what is allowed, and the way out.

    :param error: the complaint.
    :param title: what could not be done, in the session's language.
    """
    from advisor.ui import session

    st.error(session.safe(t(error.what)), title=title)
    if error.allowed:
        st.caption(f"{t('Allowed')}: {session.safe(t(error.allowed))}")
    if error.fix:
        st.caption(session.safe(t(error.fix)))


def waits_for(what: str, name: str) -> NoReturn:
    """Say what a page waits for, link there, and end the page.

    :param what: for example "Choose what the model should do first.", in the session's language.
    :param name: the page where that happens.
    """
    with st.container(border=True):
        st.markdown(what)
        st.page_link(
            page(name), label=t("Go to {page}", page=t(PAGES[name])), icon=":material/arrow_forward:"
        )
    raise StopException


def _state_line() -> None:
    from advisor.ui import session

    draft = state.draft()
    brief, _ = state.effective_brief()
    task = session.task_name(brief.task) if brief else t("not chosen")
    device = session.device_name(brief.constraints.device) if brief else t("This machine")
    data = session.data_line(draft.data) if draft.data else t("none yet")
    run = session.run_line(draft.run)
    for label, value in (("Task", task), ("Device", device), ("Data", data), ("Run", run)):
        st.markdown(f":gray[{t(label)}] {session.safe(value)}", width="content")


@lru_cache(maxsize=2)
def _tongue(spoken: Language) -> str:
    """Tell the browser the language, and say in it what Streamlit's own widgets say in English."""
    words = look.STATIC / f"frame_words.{spoken}.json"
    own = words.read_text(encoding="utf-8") if words.exists() else "{}"
    script = (look.STATIC / "frame_words.js").read_text(encoding="utf-8").replace("WORDS", own)
    return TONGUE.format(tag=TAGS[spoken], words=script)


def _switch() -> None:
    st.session_state["frame.language"] = language()
    st.segmented_control(
        "English / 中文",
        LANGUAGES,
        format_func=NAMES.__getitem__,
        key="frame.language",
        on_change=_speak,
        required=True,
        label_visibility="collapsed",
        width="content",
    )


def _speak() -> None:
    state.speak(st.session_state["frame.language"])
