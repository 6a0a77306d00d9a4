import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import advisor.samples
from advisor.dataset import load_image, profile, read, split
from advisor.samples import sample

HERE = Path(advisor.samples.__file__).parent


def rows_of(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_digits_are_scikit_learns(tmp_path: Path) -> None:
    folder = sample("images", tmp_path)
    dataset = read(folder)
    assert len(dataset) == 600 and Counter(dataset.labels) == dict.fromkeys("0123456789", 60)
    digits = load_digits()
    for path in dataset.contents[::100]:
        number = int(Path(path).stem)
        assert dataset.labels[dataset.contents.index(path)] == str(digits.target[number])
        small = load_image(folder, path).convert("L").resize((8, 8), 4)
        assert np.corrcoef(np.asarray(small, float).ravel(), digits.images[number].ravel())[0, 1] > 0.98
    assert len(set(dataset.groups)) == 600
    assert profile(dataset).grey_share == 1.0


def test_samples_stay_once_they_are_there(tmp_path: Path) -> None:
    first = sample("images", tmp_path)
    stamp = first.stat().st_mtime_ns
    assert sample("images", tmp_path) == first and first.stat().st_mtime_ns == stamp
    text = sample("text", tmp_path)
    text.write_text("mine", encoding="utf-8")
    assert sample("text", tmp_path).read_text(encoding="utf-8") == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits", "tickets.csv"]
    with pytest.raises(ValueError, match="'sounds' is not a sample"):
        sample("sounds", tmp_path)  # type: ignore[arg-type]


def test_tickets_are_what_the_docs_say(tmp_path: Path) -> None:
    dataset = read(sample("text", tmp_path))
    described = profile(dataset)
    assert len(dataset) == 389 and len(dataset.classes) == 6
    assert dataset.columns == ("text", "label")
    assert max(described.counts.values()) >= 100 and min(described.counts.values()) == 30
    assert 0.5 < described.languages["en"] < 0.6 and 0.4 < described.languages["zh"] < 0.5
    parts = split(dataset)
    assert {dataset.labels[index] for index in parts.report} == set(dataset.classes)


def test_the_faults_on_purpose_are_listed() -> None:
    tickets = rows_of("tickets.csv")
    faults = rows_of("tickets-faults.csv")
    seen: set[str] = set()
    repeated: list[int] = []
    for row, ticket in enumerate(tickets, start=2):
        if ticket["text"] in seen:
            repeated.append(row)
        seen.add(ticket["text"])
    assert repeated == [int(fault["row"]) for fault in faults if fault["kind"] == "duplicate"]
    assert len(repeated) == 8
    wrong = [fault for fault in faults if fault["kind"] == "mislabelled"]
    assert len(wrong) == 10
    labels = {ticket["label"] for ticket in tickets}
    for fault in wrong:
        assert fault["right_label"] in labels
        assert tickets[int(fault["row"]) - 2]["label"] != fault["right_label"]


def test_tickets_are_learnable_but_not_by_heart() -> None:
    """A bag of characters beats guessing by far and is far from perfect: the set tells models apart."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    tickets = rows_of("tickets.csv")
    texts = np.array([ticket["text"] for ticket in tickets], dtype=object)
    labels = np.array([ticket["label"] for ticket in tickets], dtype=object)
    model = make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3)), LinearSVC(random_state=0))
    accuracy = cross_val_score(model, texts, labels, cv=3).mean()
    assert 0.45 < accuracy < 0.85
