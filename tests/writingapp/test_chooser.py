"""The forms as the page offers them: each once, with what it takes; and rhymes that can be asked for."""

import uuid

import pytest
from django.utils import timezone

from inference.verse import limits
from inference.verse.options import Options
from inference.verse.registry import FORMS
from writingapp.models import User
from writingapp.services import inspiring, sessions
from writingapp.services.inspiring import Asked
from writingapp.views import chooser

OFFERS = {offer.name: offer for group in chooser.groups() for offer in group.forms}


def test_every_form_stands_in_one_group() -> None:
    names = [offer.name for group in chooser.groups() for offer in group.forms]
    assert sorted(names) == sorted(FORMS)
    assert [group.name for group in chooser.groups()] == ["regulated", "ci", "duilian", "modern", "english"]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_offers_what_it_takes(form: str) -> None:
    assert set(OFFERS[form].takes.split()) == limits.takes(form, FORMS[form].language or "zh")


def test_a_rhyme_is_called_by_its_full_name_beside_words_of_it() -> None:
    rhymes = chooser.rhymes()
    called = dict(rhymes["pingshui"])["阳"]
    assert called.startswith("下平七阳　")
    assert len(called) == len("下平七阳　") + chooser.SHOWN
    assert dict(rhymes["xinyun"])["麻"].startswith("一麻　")  # another book's, not 下平六麻
    assert len(dict(rhymes["tune"])) == 19


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "book", "asked"),
    [
        ("qijue", "pingshui", {}),
        ("qijue", "cilin", {"book": "cilin"}),
        ("qijue", "xinyun", {"book": "xinyun"}),
        ("pusaman", "tune", {}),
    ],
)
def test_the_rhymes_that_are_offered_are_known_to_the_asks(
    owner: User, form: str, book: str, asked: dict[str, str]
) -> None:
    session = sessions.start(user=owner, minutes=10, theme="湖", goal=None, now=timezone.now())
    unknown = []
    for rhyme, _ in chooser.rhymes()[book]:
        options = Options.of({"rhyme": rhyme} | asked)
        answer = inspiring.ask(
            session=session, key=uuid.uuid4(), kind="poem", form=form, wish="湖", before="", candidates=1,
            now=timezone.now(), options=options,
        )  # fmt: skip
        if isinstance(answer, Asked):
            answer.inspiration.delete()
        elif isinstance(answer, inspiring.Invalid) and "no rhyme" in answer.errors.get("rhyme", ""):
            unknown.append(rhyme)
    assert not unknown
