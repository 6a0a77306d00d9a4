"""Need: plain questions first, expert ones folded; the panel beside them shows what each answer changes."""

from urllib.parse import urlencode

import streamlit as st
import yaml

from advisor.brief import Brief, Constraints, DataFacts, Priorities
from advisor.errors import InputError
from advisor.ui import frame, look, questions, session, state
from advisor.ui.words import at_once, in_both, t

EXAMPLES = {
    "Sort product photos": Brief(
        task="image-classification",
        data=DataFacts(examples=1000, classes=10, domain="retail"),
        constraints=Constraints(latency_ms=100, memory_mb=2000, licence="commercial", privacy="local"),
    ),
    "Route tickets in Chinese and English": Brief(
        task="text-classification",
        data=DataFacts(examples=400, classes=6, domain="support", languages=("zh", "en")),
        metric="macro_f1",
        constraints=Constraints(latency_ms=200, licence="commercial"),
        priorities=Priorities(latency=3, memory=2),
    ),
    "Medical images that stay in the house": Brief(
        task="image-classification",
        data=DataFacts(examples=800, classes=4, domain="medical", imbalance=6),
        metric="balanced_accuracy",
        constraints=Constraints(privacy="local", offline=True, licence="commercial"),
        priorities=Priorities(explainability=4),
    ),
}
MODALITIES = {
    "image": "Images",
    "text": "Text",
    "audio": "Audio",
    "tabular": "Tables",
    "time-series": "Time series",
    "multimodal": "Several at once",
    "video": "Video",
}
METRICS = {
    "accuracy": "Share of right answers (accuracy)",
    "balanced_accuracy": "Every class counts alike (balanced accuracy)",
    "macro_f1": "Misses and false alarms, every class alike (macro F1)",
}


def load_brief() -> None:
    """Take over an uploaded brief, or keep everything and say what is wrong with it."""
    upload = st.session_state["need.upload"]
    if upload is None:
        return
    try:
        content = yaml.safe_load(upload.getvalue().decode("utf-8-sig"))
        brief = Brief.parse(content, upload.name)
        session.knowledge().task(brief.task)
        state.adopt(brief)
        st.session_state["need.loaded"] = t("{file} is loaded.", file=upload.name)
        st.session_state.pop("need.refused", None)
    except (InputError, yaml.YAMLError, ValueError, RecursionError) as error:
        told = t("{file} was not loaded.", file=upload.name)
        st.session_state["need.refused"] = f"{told} {t(str(error))}"


def choose_task() -> None:
    """Note the task of the chosen kind of input."""
    state.change(answers=state.draft().answers | {"task": st.session_state["need.task"]}, chosen=None)


def choose_modality() -> None:
    """Go to the first task of another kind of input."""
    chosen = st.session_state["need.modality"]
    tasks = [task.id for task in session.knowledge().tasks if task.modality == chosen]
    if tasks:
        state.change(answers=state.draft().answers | {"task": tasks[0]}, chosen=None)


def choose_metric() -> None:
    """Note what counts as good."""
    questions.answer("metric", "need.metric")


st.title(t("What do you need?"))
st.markdown(t("Answer what you know and leave the rest open. Your data can answer some of it for you."))

with st.container(horizontal=True, gap="small", vertical_alignment="center"):
    st.caption(t("Start from an example:"), width="content")
    for name, example in EXAMPLES.items():
        st.button(t(name), key=f"example {name}", type="tertiary", on_click=state.adopt, args=(example,))

brief, filled = state.effective_brief()
task = session.knowledge().task(brief.task) if brief else None

form, panel = st.columns([1.75, 1], gap="large")
with form:
    st.header(t("What should the model do?"), anchor=False)
    st.session_state["need.modality"] = task.modality if task else None
    st.segmented_control(
        t("What goes in?"),
        list(MODALITIES),
        format_func=at_once(lambda kind: t(MODALITIES[kind]), MODALITIES),
        key="need.modality",
        wrap=True,
        on_change=choose_modality,
    )
    if task is None:
        st.caption(
            t("Then the questions follow that matter for it. Or begin with your data: they answer some.")
        )
        st.page_link(frame.page("data"), label=t("Begin with data"), icon=":material/upload_file:")
    else:
        tasks = {t.id: t for t in session.knowledge().tasks if t.modality == task.modality}
        st.session_state["need.task"] = task.id
        st.selectbox(
            t("What should come out?"),
            list(tasks),
            format_func=at_once(lambda id: f"{in_both(tasks[id].name)}: {in_both(tasks[id].says)}", tasks),
            key="need.task",
            on_change=choose_task,
        )
        if not task.probeable:
            st.caption(t("For this task there is advice; models cannot be tried on your data yet."))

if brief and task:
    read = {key: getattr(brief.data, key.removeprefix("data.")) for key in filled}
    asked = [q for q in questions.questions() if questions.applies(q, task.modality)]
    with form:
        for title, section in (("What are your data like?", "data."), ("What must hold?", "constraints.")):
            st.header(t(title), anchor=False)
            plain_ones = [q for q in asked if q.key.startswith(section) and not q.expert]
            with st.grid(2, min_column_width=260, gap="medium"):
                for question in plain_ones:
                    with st.container(gap="xsmall"):
                        questions.ask(question, read.get(question.key))
        with st.expander(t("For experts")), st.grid(2, min_column_width=260, gap="medium"):
            for question in (q for q in asked if q.expert):
                with st.container(gap="xsmall"):
                    questions.ask(question, read.get(question.key))
        st.header(t("What counts as good?"), anchor=False)
        data = state.draft().data
        classes = list(data.profile.counts)[:20] if data and data.profile else []
        of_one_class = [f"{kind}:{label}" for label in classes for kind in ("recall", "precision")]
        st.session_state["need.metric"] = brief.metric
        st.selectbox(
            t("Measure"),
            list(dict.fromkeys([*METRICS, *of_one_class, st.session_state["need.metric"]])),
            format_func=at_once(lambda metric: t(METRICS[metric]), METRICS),
            key="need.metric",
            accept_new_options=True,
            on_change=choose_metric,
            help=t("Or type recall:CLASS or precision:CLASS for one class that matters most."),
        )
        if complaint := st.session_state.get("complaint.metric"):
            st.markdown(f":red[{session.safe(t(complaint))}]")
        st.caption(t("The models are compared, and the winner chosen, by this measure."))
        st.header(t("What matters to you?"), anchor=False)
        with st.grid(2, min_column_width=260, gap="medium"):
            for criterion in questions.CRITERIA:
                questions.ask_priority(criterion, "need")

with panel, st.container(border=True, key="panel"):
    if brief is None:
        st.subheader(t("Nothing asked yet"), anchor=False)
        st.caption(t("As soon as a task is chosen, the best five models stand here and follow your answers."))
    else:
        found = session.advice(brief)
        left = len(found.shortlist) + len(found.beyond_limit)
        st.subheader(
            t(
                "{left} of {all} models are left",
                left=look.number(left),
                all=look.number(found.considered),
            ),
            anchor=False,
        )
        rows = []
        for candidate in found.shortlist[:5]:
            rows.append(
                f'<span class="n">{candidate.rank}</span><span>{look.plain(session.model_name(candidate.model))}'
                f"</span>"
                f'<span class="q">{look.quantity_short(candidate.quality)}</span>'
            )
        if rows:
            st.html(f'<div class="top5">{"".join(rows)}</div>')
            st.caption(t("Expected quality from published results, 0 (poor) to 100 (excellent)."))
            st.page_link(
                frame.page("shortlist"), label=t("See the whole list"), icon=":material/arrow_forward:"
            )
        else:
            st.markdown(t("No model meets all of this. The shortlist says what would have to give."))
            st.page_link(
                frame.page("shortlist"), label=t("See the near misses"), icon=":material/arrow_forward:"
            )
        if found.near_misses and rows:
            st.caption(t("{n} more miss it narrowly.", n=look.number(len(found.near_misses))))
        if filled:
            names = questions.join(questions.FACTS[key] for key in filled)
            st.caption(t("Read from your data: {facts}", facts=names))

    if brief is not None:
        answers = state.draft().answers
        with st.container(horizontal=True, gap="small"):
            st.download_button(
                t("Save brief"),
                data=lambda: yaml.safe_dump(state.nest(answers), allow_unicode=True, sort_keys=False),
                file_name="brief.yaml",
                mime="application/yaml",
                on_click="ignore",
                icon=":material/download:",
            )
            share = st.popover(
                t("Share this need"), icon=":material/link:", key="need.share", on_change="rerun"
            )
        if share.open:
            with share:
                st.caption(t("Whoever opens this link finds your answers, not your data."))
                here = (st.context.url or "").partition("?")[0]
                st.code(f"{here}?{urlencode(state.link_query(answers))}", language=None, wrap_lines=True)
    load = st.expander(t("Load a brief"), key="need.load", on_change="rerun")
    if load.open:
        with load:
            st.file_uploader(
                t("A brief (YAML or JSON)"),
                type=["yaml", "yml", "json"],
                key="need.upload",
                on_change=load_brief,
                label_visibility="collapsed",
            )
            if refused := st.session_state.get("need.refused"):
                st.error(session.safe(refused))
            elif loaded := st.session_state.get("need.loaded"):
                st.caption(loaded)

if brief is None:
    session.warm()
