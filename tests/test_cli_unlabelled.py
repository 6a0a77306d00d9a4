"""Examples without labels on the command line: handed on as they are named, complained of where they are wrong."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import ticket_table

from advisor import cli
from advisor.jobs.request import ProbeRequest


@pytest.fixture
def advisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in a folder of its own, with a brief and labelled texts; give its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("ADVISOR_MODELS", raising=False)
    ticket_table(tmp_path / "tickets.csv", 12)
    (tmp_path / "brief.yaml").write_text("task: text-classification\n")

    def run(verb: str, *words: str) -> int:
        usual = ["-b", "brief.yaml", "-d", "tickets.csv", "-o", "run", "--offline"]
        monkeypatch.setattr(sys, "argv", ["advisor", verb, *usual, *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return run


@pytest.mark.parametrize("verb", ["run", "probe"])
def test_they_reach_the_probe_and_the_line_that_repeats_it(
    advisor: Callable[..., int], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    asked: list[ProbeRequest] = []
    monkeypatch.setattr(cli.runs, "_probe", lambda request, engine: asked.append(request))
    assert advisor(verb, "--unlabelled", "mails.txt") == 0
    assert asked[0].unlabelled == Path("mails.txt") and asked[0].verb == verb
    spec = asked[0].spec(asked[0].brief)
    assert spec.unlabelled == str(Path("mails.txt").resolve())
    assert "--unlabelled mails.txt" in spec.command
    assert advisor(verb) == 0
    assert asked[1].unlabelled is None and "--unlabelled" not in asked[1].spec(asked[1].brief).command


def test_what_cannot_be_read_is_wrong_input(
    advisor: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert advisor("run", "--unlabelled", "nowhere.txt") == 2
    said = capsys.readouterr()
    assert "nowhere.txt" in said.err and ".txt with one text a line" in said.err and not said.out
    assert not (tmp_path / "run").exists()
