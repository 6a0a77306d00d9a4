"""Names that a chart's own language knows do not break it."""

import pytest

from advisor.labels import INHERITED, distinct


@pytest.mark.parametrize("name", sorted(INHERITED))
def test_no_label_is_a_property_of_every_object(name: str) -> None:
    (label,) = distinct([name]).values()
    assert label != name
    assert label.strip() == name


def test_a_class_called_constructor_is_drawn() -> None:
    from advisor.charts.classes import class_balance
    from advisor.charts.style import to_svg

    assert "constructor" in to_svg(class_balance({"constructor": 3, "b": 4}), "f")
