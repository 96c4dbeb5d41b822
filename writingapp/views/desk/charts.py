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


HIGH, EDGE = 150, 24  # a curve's drawing, which is 320 wide
BEGIN, END = 44, 248  # between the scale and the labels of its lines
APART = 30  # labels of two lines


@dataclass(frozen=True)
class Line:
    """One figure over the steps. `points` is what a polyline takes; `dots` are measured between steps."""

    name: str
    label: str
    points: str
    dots: list[tuple[float, float]]
    end: tuple[float, float]
    label_y: float


@dataclass(frozen=True)
class Curve:
    """A drawing with its least and most, and in words what it shows."""

    title: str
    lines: list[Line]
    scale: tuple[str, str]
    steps: tuple[int, int]
    said: str


Points = Sequence[tuple[int, float]]


def curve(title: str, figures: Sequence[tuple[str, Points, Points]]) -> Curve | None:
    """From (name, learnt, held out) of each line; None where there is nothing to draw yet."""
    known = [each for each in figures if each[1] or each[2]]
    if not known:
        return None
    steps = [step for _, *both in known for points in both for step, _ in points]
    values = [value for _, *both in known for points in both for _, value in points]
    first, last, least, most = min(steps), max(steps), min(values), max(values)

    def place(point: tuple[int, float]) -> tuple[float, float]:
        across = (point[0] - first) / ((last - first) or 1)
        up = (point[1] - least) / (most - least) if most > least else 0.5
        return round(BEGIN + across * (END - BEGIN), 1), round(HIGH - EDGE - up * (HIGH - 2 * EDGE), 1)

    lines: list[Line] = []
    for name, learnt, held_out in known:
        ends = place((learnt or held_out)[-1])
        told = f"{(learnt or held_out)[-1][1]:.3g}"
        joined = " ".join(f"{x},{y}" for x, y in map(place, learnt))
        lines.append(Line(name, told, joined, [place(each) for each in held_out], ends, _free(ends[1], lines)))
    ends_of = [(name, (a or b)[0][1], (a or b)[-1][1]) for name, a, b in known]
    said = "; ".join(f"{name} {began:.3g} → {ended:.3g}".strip() for name, began, ended in ends_of)
    return Curve(title, lines, (f"{least:.3g}", f"{most:.3g}"), (first, last), said)


def _free(y: float, lines: Sequence[Line]) -> float:
    """Where a label collides with none before it."""
    taken = [line.label_y for line in lines]
    if all(abs(y - each) >= APART for each in taken):
        return y
    return min(taken) - APART if min(taken) - APART >= EDGE - 4 else max(taken) + APART
