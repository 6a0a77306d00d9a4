"""Where labels go in a crowded scatter."""

import math

__all__ = ["place"]

Box = tuple[float, float, float, float]
HALF = 7
OTHER_IS_NEARER = 400.0


def place(
    points: list[tuple[float, float]],
    texts: list[str],
    width: float,
    height: float,
    line: float | None = None,
) -> list[tuple[float, float]]:
    """Put each label beside its own point, where it covers little and cannot be taken for another's.

    :param points: (x, y) in pixels, y downwards.
    :param texts: one label per point.
    :param width: of the drawing in pixels.
    :param height: of the drawing in pixels.
    :param line: x of a vertical line that labels keep clear of.
    :return: left end and middle of each label, in pixels.
    """
    taken: list[Box] = [(x - 9, y - 9, x + 9, y + 9) for x, y in points]
    if line is not None:
        taken.append((line - 2, 0, line + 2, height))
    placed = []
    for index, ((x, y), text) in enumerate(zip(points, texts, strict=True)):
        wide = sum(11.5 if ord(letter) > 0x2E80 else 5.6 for letter in text)
        boxes = [
            (left, y + down - HALF, left + wide, y + down + HALF)
            for down in (-13, 13, -26, 26, -40, 40, -54, 54)
            for left in (x + 6, x - 6 - wide, x - wide / 2)
        ]
        inside = [b for b in boxes if b[0] >= 0 and b[2] <= width + 20 and b[1] >= 0 and b[3] <= height]
        others = taken[:index] + taken[index + 1 :]
        best = min(inside or boxes, key=lambda box: _overlap(box, others) + _doubt(box, points, index))
        taken.append(best)
        placed.append((best[0], best[1] + HALF))
    return placed


def _overlap(box: Box, others: list[Box]) -> float:
    return sum(
        max(0.0, min(box[2], o[2]) - max(box[0], o[0])) * max(0.0, min(box[3], o[3]) - max(box[1], o[1]))
        for o in others
    )


def _doubt(box: Box, points: list[tuple[float, float]], own: int) -> float:
    far = [math.hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3])) for x, y in points]
    nearest = min((distance for index, distance in enumerate(far) if index != own), default=math.inf)
    return 2 * far[own] + (OTHER_IS_NEARER if nearest <= far[own] + 4 else 0.0)
