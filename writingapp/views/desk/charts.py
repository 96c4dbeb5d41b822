"""Plain SVG: where a value and its interval lie on a line. Only numbers come out; the template draws."""

from collections.abc import Sequence
from dataclasses import dataclass

LEFT, RIGHT, ROW = 150, 620, 34  # the drawing is 680 wide; names stand left, numbers above their point


@dataclass(frozen=True)
class Mark:
    """A row of the chart."""

    name: str
    label: str
    y: int
    x: float
    low: float
    high: float


@dataclass(frozen=True)
class Chart:
    """Rows below each other on one scale; `middle` is where nothing is better than anything."""

    marks: list[Mark]
    height: int
    middle: float | None
    scale: tuple[str, str]


def intervals(
    rows: Sequence[tuple[str, float, float, float, str]], *, middle: float | None, least: float, most: float
) -> Chart:
    """From (name, value, low, high, label), on a scale that has `least` and `most` in it at any rate."""
    least = min([least, *(low for _, _, low, _, _ in rows)])
    most = max([most, *(high for _, _, _, high, _ in rows)])

    def across(value: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (value - least) / ((most - least) or 1), 1)

    marks = [
        Mark(name, label, 24 + ROW * at, across(value), across(low), across(high))
        for at, (name, value, low, high, label) in enumerate(rows)
    ]
    height = 24 + ROW * len(rows) + 8
    return Chart(marks, height, None if middle is None else across(middle), (f"{least:g}", f"{most:g}"))
