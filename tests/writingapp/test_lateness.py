"""Which characters came after time was up."""

from hypothesis import given
from hypothesis import strategies as st

from writingapp.services.lateness import MOST_COMPARED, Span, paragraphs

TEXTS = st.text(alphabet="天地霜露ab \n", max_size=40)


def told(on_time: str, text: str) -> list[list[tuple[str, bool]]]:
    return [[(span.text, span.late) for span in line] for line in paragraphs(on_time=on_time, text=text)]


def test_a_text_on_time_has_nothing_late() -> None:
    assert told("天亮了\n\n霜", "天亮了\n\n霜") == [[("天亮了", False)], [], [("霜", False)]]


def test_what_was_added_at_the_end_is_late() -> None:
    assert told("天亮了", "天亮了，霜还在。\n又一行") == [[("天亮了", False), ("，霜还在。", True)], [("又一行", True)]]


def test_changes_in_two_places_leave_what_stands_between() -> None:
    assert told("一二三四五六七八", "甲一二三四五六七八乙") == [
        [("甲", True), ("一二三四五六七八", False), ("乙", True)]
    ]


def test_what_was_taken_away_leaves_no_mark() -> None:
    assert told("天亮了，真冷", "天亮了") == [[("天亮了", False)]]


def test_very_long_changes_are_told_roughly_but_at_once() -> None:
    before, after = "a" + "天" * 3000 + "z", "a" + "地" * 3000 + "天" + "z"
    assert MOST_COMPARED < 3000 * 3001
    assert paragraphs(on_time=before, text=after)[0][1].late


@given(TEXTS, TEXTS)
def test_the_paragraphs_are_always_the_whole_text(on_time: str, text: str) -> None:
    lines = paragraphs(on_time=on_time, text=text)
    assert "\n".join("".join(span.text for span in line) for line in lines) == text
    assert all(span.text for line in lines for span in line)


@given(TEXTS, TEXTS)
def test_what_is_not_late_stood_there_on_time_in_this_order(on_time: str, text: str) -> None:
    kept = [span.text for line in paragraphs(on_time=on_time, text=text) for span in line if not span.late]
    reached = 0
    for run in kept:
        reached = on_time.index(run, reached) + len(run)


@given(TEXTS)
def test_the_same_text_is_never_late(text: str) -> None:
    assert not any(span.late for line in paragraphs(on_time=text, text=text) for span in line)


def test_a_span_is_a_value() -> None:
    assert Span("霜", late=True) == Span("霜", late=True)
