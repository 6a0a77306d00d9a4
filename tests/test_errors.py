"""Complaints: three parts, one family, the exit codes, the nearest word."""

import pytest

from advisor import errors
from advisor.errors import AdvisorError, nearest


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AdvisorError", 2),
        ("InputError", 2),
        ("BriefError", 2),
        ("DataError", 2),
        ("KnowledgeError", 2),
        ("NothingQualifies", 3),
        ("Cancelled", 130),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    error = getattr(errors, name)("x")
    assert error.exit_code == code
    assert isinstance(error, AdvisorError)


@pytest.mark.parametrize("name", ["BriefError", "DataError", "KnowledgeError"])
def test_input_errors_are_one_family(name: str) -> None:
    assert issubclass(getattr(errors, name), errors.InputError)


def test_weights_and_cancelling_are_no_input_errors() -> None:
    assert not issubclass(errors.WeightsUnavailable, errors.InputError)
    assert not issubclass(errors.Cancelled, errors.InputError)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("It is 3",), "It is 3."),
        (("It is 3.",), "It is 3."),
        (("It is 3", "1 or 2"), "It is 3. Allowed: 1 or 2."),
        (("It is 3", "1 or 2", "Did you mean '2'?"), "It is 3. Allowed: 1 or 2. Did you mean '2'?"),
        (("It is 3", "", "Say 2"), "It is 3. Say 2."),
        (("Look here:",), "Look here:"),
    ],
)
def test_message(parts: tuple[str, ...], text: str) -> None:
    assert str(AdvisorError(*parts)) == text


def test_parts_stay_apart() -> None:
    error = AdvisorError("what", "allowed", "fix")
    assert (error.what, error.allowed, error.fix) == ("what", "allowed", "fix")
    assert error.args == ("what",)


def test_nearest_names_the_nearest_allowed_word() -> None:
    assert nearest("image-clasification", ["text-classification", "image-classification"]) == (
        "Did you mean 'image-classification'?"
    )
    assert nearest("", ["one", "two"]).startswith("Did you mean")
    assert nearest("x", []) == ""
