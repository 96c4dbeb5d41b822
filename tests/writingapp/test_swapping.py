"""Another line in the place of one: who may ask, what the model sees, and what she then has."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from inference.engines.fake.poet import tokens_of
from writingapp.models import Candidate, Inspiration, Rating, User, WritingSession
from writingapp.refusals import Refusal
from writingapp.services import inspiring, sessions, swapping
from writingapp.services.inspiring import Asked, Busy

NOW = timezone.now()
DONE = Candidate.Status.DONE


@pytest.fixture
def session(owner: User) -> WritingSession:
    return sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=NOW)


def poem_in(session: WritingSession, form: str = "wujue") -> Candidate:
    """A finished poem, and another that was begun."""
    fields: dict[str, Any] = {
        "key": uuid.uuid4(),
        "kind": "poem",
        "form": form,
        "wish": "湖",
        "before": "",
        "candidates": 2,
    }
    answer = inspiring.ask(session=session, **fields, now=NOW)
    assert isinstance(answer, Asked)
    candidate, other = answer.candidates
    Candidate.objects.filter(pk=other.pk).update(status=Candidate.Status.STOPPED)
    return finish(candidate)


def finish(candidate: Candidate) -> Candidate:
    text = "".join(tokens_of(candidate.sampling, "湖", 300))
    Candidate.objects.filter(pk=candidate.pk).update(text=text, status=DONE)
    return Candidate.objects.get(pk=candidate.pk)


def swap(session: WritingSession, candidate: Candidate, line: int = 1, **changes: Any) -> Asked:
    asked: dict[str, Any] = {"session": session, "candidate": candidate, "line": line, "key": uuid.uuid4(), "now": NOW}
    answer = swapping.swap(**asked | changes)
    assert isinstance(answer, Asked)
    return answer


def keep(answer: Asked, candidate: Candidate, minutes: int = 0) -> None:
    at = NOW + timedelta(minutes=minutes)
    Rating.objects.create(
        user=answer.inspiration.session.user, inspiration=answer.inspiration, kind="prefer", candidate=candidate,
        created_at=at, updated_at=at,
    )  # fmt: skip


def test_two_lines_are_asked_for_under_what_the_line_is_held_to(session: WritingSession) -> None:
    poem = poem_in(session)
    answer = swap(session, poem, 1)
    row = answer.inspiration
    assert (row.kind, row.form, row.of_id, row.line) == (Inspiration.Kind.SWAP, "wujue", poem.pk, 1)
    first_line = poem.text.split("\n")[0]
    assert row.messages == [*poem.inspiration.messages, {"role": "assistant", "content": f"{first_line}\n"}]
    one, two = answer.candidates
    assert one.sampling["constraint"]["instead"] == {"poem": poem.text, "line": 1}
    assert one.sampling["seed"] != two.sampling["seed"]


def test_the_same_key_is_the_same_swap(session: WritingSession) -> None:
    poem = poem_in(session)
    answer = swap(session, poem)
    again = swap(session, poem, 2, key=answer.inspiration.key)
    assert (again.inspiration.pk, again.repeated) == (answer.inspiration.pk, True)


def test_what_she_chose_is_part_of_the_poem(session: WritingSession) -> None:
    poem = poem_in(session)
    lines = poem.text.split("\n")
    answer = swap(session, poem, 1)
    kept = finish(answer.candidates[0])
    keep(answer, kept)
    assert swapping.as_kept(poem) == "\n".join([lines[0], kept.text, *lines[2:]])
    finish(answer.candidates[1])
    later = swap(session, poem, 1)
    assert later.candidates[0].sampling["constraint"]["instead"]["poem"] == swapping.as_kept(poem)
    other = finish(later.candidates[1])
    keep(later, other, minutes=1)
    assert swapping.as_kept(poem) == "\n".join([lines[0], other.text, *lines[2:]])
    assert swapping.kept_lines(inspiration__session=session) == {poem.pk: {1: other.text}}


@pytest.mark.parametrize("line", [4, 99])
def test_a_line_that_is_not_there(session: WritingSession, line: int) -> None:
    with pytest.raises(Refusal, match="no_line"):
        swap(session, poem_in(session), line)


@pytest.mark.parametrize("change", [{"status": "running"}, {"status": "stopped"}, {"conforms": False}])
def test_only_a_finished_poem_in_its_form_is_changed(session: WritingSession, change: dict[str, Any]) -> None:
    poem = poem_in(session)
    for name, value in change.items():
        setattr(poem, name, value)
    with pytest.raises(Refusal, match="no_line"):
        swap(session, poem)


def test_an_empty_line_between_stanzas_stays(session: WritingSession) -> None:
    poem = poem_in(session, "free")
    poem.text = "湖上有雾\n\n一只鹭站着\n风来了\n水动了一下\n天亮了"
    with pytest.raises(Refusal, match="no_line"):
        swap(session, poem, 1)


def test_a_line_that_its_tune_says_twice_is_not_swapped_alone(session: WritingSession) -> None:
    poem = poem_in(session, "rumengling")
    for line in (4, 5):
        with pytest.raises(Refusal, match="said_twice"):
            swap(session, poem, line)
    assert swap(session, poem, 6).inspiration.line == 6


def test_a_line_that_she_asked_for_to_its_last_character_cannot_be_another(session: WritingSession) -> None:
    poem = poem_in(session, "changxiangsi")
    # the line before has settled its rhyme word, and she the rest of it
    poem.sampling["constraint"] |= {"options": {"words": ["不风"]}, "placed": [[1, 0, "不风"]]}
    poem.save()
    poem = finish(poem)
    with pytest.raises(Refusal, match="no_other"):
        swap(session, poem, 1)
    assert swap(session, poem, 2).inspiration.line == 2


def test_after_the_end_nothing_is_swapped(session: WritingSession) -> None:
    poem = poem_in(session)
    sessions.finish(session=session, now=NOW)
    with pytest.raises(Refusal, match="finished"):
        swap(session, poem)


def test_a_swap_waits_its_turn_like_any_ask(session: WritingSession) -> None:
    poem = poem_in(session)
    swap(session, poem, 0)
    swap(session, poem, 1)
    answer = swapping.swap(session=session, candidate=poem, line=2, key=uuid.uuid4(), now=NOW)
    assert isinstance(answer, Busy)


def test_a_swapped_line_is_told_within_its_poem(session: WritingSession) -> None:
    poem = poem_in(session)
    assert swapping.within(poem) == poem.text
    line = finish(swap(session, poem, 2).candidates[0])
    lines = poem.text.split("\n")
    assert swapping.within(line) == "\n".join([*lines[:2], line.text, lines[3]])
