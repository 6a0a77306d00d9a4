"""What stands around the code says what is true: README, Dockerfile, citation, links between documents."""

import json
import posixpath
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("[bk]*/README.md"))
)
GENERATED = {"docs/reference/commands.md", "docs/reference/brief.md", "docs/reference/knowledge.md",
             "docs/reference/report.md"}  # fmt: skip
BESIDE = {
    f"docs/{name}.md" for name in ("knowledge-base", "evidence", "security", "contributing", "changelog")
}
HOST = re.compile(r"[a-z0-9-]+\.[a-z]{2,}(?=[/:])")


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    start = max(n for n, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def test_image_runs_as_a_user_and_reports_its_health() -> None:
    stage = last_stage()
    users = [rest for name, rest in stage if name == "USER"]
    assert users and int(users[-1]) > 0
    assert any(f"useradd --uid {users[-1]} --create-home" in rest for name, rest in stage if name == "RUN")
    assert stage.index(("USER", users[-1])) < next(n for n, (name, _) in enumerate(stage) if name == "CMD")
    (health,) = [rest for name, rest in stage if name == "HEALTHCHECK"]
    (start,) = [json.loads(rest) for name, rest in stage if name == "CMD"]
    (port,) = [rest for name, rest in stage if name == "EXPOSE"]
    assert f":{port}/_stcore/health" in health
    assert start == ["advisor", "app", "--port", port]


def test_the_builder_supplies_the_index_of_pytorch() -> None:
    found = instructions()
    assert ("ARG", 'TORCH_INDEX=""') in found
    (torch,) = [rest for name, rest in found if name == "RUN" and "torch" in rest]
    assert '${TORCH_INDEX:+--index-url "${TORCH_INDEX}"}' in torch
    images = [rest for name, rest in found if name == "FROM" or (name == "ARG" and "IMAGE" in rest)]
    assert not [one for one in (*images, torch) if HOST.search(one)], (
        "an image or index of a certain registry"
    )
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([^:/]+)", text)) == {"127.0.0.1"}


def test_the_image_wants_the_versions_that_the_package_wants() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for one in wanted:
        if one.startswith(("torch>", "torchvision>")):
            assert f'"{one}"' in text


def test_everything_that_the_wheel_needs_goes_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = built["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        built["project"]["readme"],
        "LICENSE",
        "pyproject.toml",
    }
    copied = {word for name, rest in instructions() if name == "COPY" for word in rest.split()}
    for one in needed:
        assert f"!{one}" in ignored, one
        assert one in copied, one


def test_citation_is_complete() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors", "type"} <= set(cited)
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert f"({project['version']})" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_quick_start_is_what_the_makefile_has() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("## Quick start")[1].split("```")[1]
    targets = re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)
    assert targets == ["demo", "app", "test"]
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert "docs" in told
    for target in [*targets, *told]:
        assert re.search(rf"^{target}:", made, re.MULTILINE), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]+`", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    here = document.relative_to(ROOT).as_posix()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = target.partition("#")[0]
        if not path or "://" in path:
            continue
        place = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
        made = here.startswith("docs/") and place in GENERATED | BESIDE
        assert made or (ROOT / place).exists(), f"{here}: {target}"


def test_counts_in_the_readme_are_not_larger_than_the_base() -> None:
    readme = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
    found = re.search(
        r"more than ([\d,]+) models, ([\d,]+) tasks, ([\d,]+) devices, ([\d,]+) published", readme
    )
    assert found
    said = [int(number.replace(",", "")) for number in found.groups()]
    base = ROOT / "knowledge"
    rows = sum(
        len(path.read_text(encoding="utf-8").splitlines()) - 1
        for path in (base / "results").glob("*.csv")
        if not path.name.startswith("latency")
    )
    cards = sum(entries(path, r"\s*") for path in (base / "models").glob("*.yaml"))
    real = [cards, entries(base / "tasks.yaml"), entries(base / "devices.yaml"), rows]
    assert all(0.9 * there <= one <= there for one, there in zip(said, real, strict=True)), (said, real)


def entries(path: Path, indent: str = "") -> int:
    """Count the list items of a YAML file that begin with an id."""
    return len(re.findall(rf"^{indent}- (?:{{\s*)?id: ", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_server_does_not_ask_a_stranger_for_its_own_address() -> None:
    browser = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["browser"]
    assert browser == {"gatherUsageStats": False, "serverAddress": "localhost"}, (
        "Streamlit looks up the machine's address at a host elsewhere unless serverAddress is set"
    )
