"""Which column holds the text and which the label."""

import re
from collections.abc import Sequence

from advisor.dataset.table import Table
from advisor.errors import DataError, nearest

__all__ = ["choose_columns", "choose_text", "is_number"]

FIRST_TEXT, FIRST_LABEL = "text", "label"
TEXTS = frozenset("""
    text texts sentence sentences content contents review reviews message messages body comment comments query
    question utterance ticket document tweet post description abstract headline review_body review_text
    文本 内容 评论 句子 正文 文字 评价 问题 描述 工单内容
""".split())  # fmt: skip  # noqa: SIM905
LABELS = frozenset("""
    label labels class classes category categories target intent sentiment topic tag y label_text label_name
    class_name 标签 类别 分类 意图 情感 类型 标注
""".split())  # fmt: skip  # noqa: SIM905
NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?%?")
DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}([-/.月]\d{1,4}日?)?([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?Z?")
SAMPLE = 5000


def is_number(value: str) -> bool:
    """Tell whether a value is written as a number."""
    return NUMBER.fullmatch(value.strip()) is not None


def choose_columns(table: Table, origin: object, text: str | None, label: str | None) -> tuple[int, int]:
    """Find the text and the label column, or take the named ones.

    :param table: the table as read.
    :param origin: how to call it in a complaint.
    :param text: the text column's name, None to find it.
    :param label: the label column's name, None to find it.
    :return: the indices of the two columns.
    :raises DataError: listing the columns, where a name is wrong or the choice is ambiguous.
    """
    if len(table.columns) < 2:
        found = f"one column only, {table.columns[0][:100]!r}" if table.columns else "no column"
        raise DataError(
            f"{origin} has {found}",
            "a text column and a label column",
            "Add the labels, or check the separator.",
        )
    text_at = None if text is None else _named(table, origin, text, "text")
    label_at = None if label is None else _named(table, origin, label, "label")
    if label_at is None:
        label_at = _by_name(table, LABELS, FIRST_LABEL, {text_at})
    if text_at is None:
        text_at = _by_name(table, TEXTS, FIRST_TEXT, {label_at})
    if text_at is None:
        text_at = _text_by_content(table, label_at)
    if text_at is None:
        raise _unclear(table, origin, "text")
    if label_at is None:
        label_at = _label_by_content(table, text_at)
    if label_at is None:
        raise _unclear(table, origin, "label")
    if text_at == label_at:
        raise DataError(
            f"The column {table.columns[text_at]!r} cannot be both text and label", _listed(table.columns)
        )
    for index in (text_at, label_at):
        if table.columns[index] in table.repeated:
            raise DataError(
                f"{origin} has more than one column {table.columns[index]!r}",
                _listed(table.columns),
                "Rename one, or name another with --text and --label.",
            )
    return text_at, label_at


def choose_text(table: Table, origin: object, text: str | None) -> int:
    """Find the text column of a table whose labels do not matter, or take the named one.

    :param text: the column's name, None to find it.
    :return: its index.
    :raises DataError: listing the columns, where the name is wrong or the choice is ambiguous.
    """
    if text is not None:
        return _named(table, origin, text, "text")
    if len(table.columns) == 1:
        return 0
    found = _by_name(table, TEXTS, FIRST_TEXT, set())
    if found is None:
        found = _text_by_content(table, _by_name(table, LABELS, FIRST_LABEL, set()))
    if found is None:
        raise _unclear(table, origin, "text")
    return found


def _named(table: Table, origin: object, name: str, role: str) -> int:
    if name in table.columns:
        return table.columns.index(name)
    folded = [column.strip().casefold() for column in table.columns]
    if folded.count(name.strip().casefold()) == 1:
        return folded.index(name.strip().casefold())
    raise DataError(
        f"{origin} has no {role} column {name!r}", _listed(table.columns), nearest(name, table.columns)
    )


def _by_name(table: Table, names: frozenset[str], first: str, taken: set[int | None]) -> int | None:
    folded = [column.strip().casefold() for column in table.columns]
    if folded.count(first) == 1 and folded.index(first) not in taken:
        return folded.index(first)
    found = [index for index, column in enumerate(folded) if column in names and index not in taken]
    return found[0] if len(found) == 1 else None


def _text_by_content(table: Table, label_at: int | None) -> int | None:
    """The only column of running text, or of two columns the one that is no label."""
    columns = {index: _sample(table, index) for index in range(len(table.columns)) if index != label_at}
    texts = [index for index, values in columns.items() if _is_text(values)]
    if len(texts) == 1:
        return texts[0]
    if texts or len(table.columns) != 2:
        return None
    ranked = sorted(columns, key=lambda index: len(set(columns[index])))
    varied = ranked[-1]
    if len(ranked) == 2 and len(set(columns[varied])) < 3 * len(set(columns[ranked[0]])):
        return None
    return varied if _is_plain(columns[varied]) else None


def _label_by_content(table: Table, text_at: int) -> int | None:
    others = [index for index in range(len(table.columns)) if index != text_at]
    if len(others) == 1:
        return others[0]
    named = [index for index in others if table.columns[index].strip().casefold() in LABELS]
    if named:
        return None
    likely = []
    for index in others:
        values = _sample(table, index)
        if 2 <= len(set(values)) <= max(2, min(1000, len(values) // 3)) and _length(values) <= 60:
            likely.append(index)
    return likely[0] if len(likely) == 1 else None


def _sample(table: Table, index: int) -> list[str]:
    step = max(1, len(table.rows) // SAMPLE)
    return [value.strip() for row in table.rows[::step] if (value := row[index]) and value.strip()]


def _is_text(values: Sequence[str]) -> bool:
    if not _is_plain(values):
        return False
    wordy = sum(" " in value or any("\u3040" <= char <= "\u9fff" for char in value) for value in values)
    return _length(values) >= 4 and wordy * 2 > len(values) and len(set(values)) * 3 > len(values)


def _is_plain(values: Sequence[str]) -> bool:
    """Half of the values or more are neither numbers nor dates."""
    plain = sum(not is_number(value) and not DATE.fullmatch(value) for value in values)
    return bool(values) and plain * 2 >= len(values)


def _length(values: Sequence[str]) -> float:
    return sum(map(len, values)) / max(len(values), 1)


def _unclear(table: Table, origin: object, role: str) -> DataError:
    return DataError(
        f"It is not clear which column of {origin} holds the {role}",
        _listed(table.columns),
        "Name the columns with --text and --label.",
    )


def _listed(columns: Sequence[str]) -> str:
    names = ", ".join(repr(column[:60]) for column in columns[:30])
    return f"one of the columns {names}" + (f" and {len(columns) - 30} more" if len(columns) > 30 else "")
