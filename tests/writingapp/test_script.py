"""A poem in traditional script, through web process, worker and engine; and what training reads of it."""

import uuid

import pytest
from django.utils import timezone

from inference.verse.forms import conforms
from inference.verse.options import Options
from inference.verse.script import simplified
from tests.client import Writer, tab
from tests.house import House
from writingapp.models import Candidate, Inspiration, Pair, User
from writingapp.services import pairing, rating, runs, sessions

HANT = Options(script="hant", words=("鐘聲",))


@pytest.fixture(scope="module")
def seat(the_house: House) -> tuple[Writer, str]:
    ((cookie, session_id),) = the_house.sit_down("hant")
    return Writer(the_house, cookie), session_id


async def test_a_poem_and_another_line_of_it_come_in_traditional_script(
    seat: tuple[Writer, str], the_house: House
) -> None:
    async with tab(*seat) as one:
        asked = await one.inspire(form="qijue", candidates=1, options={"script": "hant", "words": ["鐘聲"]})
        assert asked["options"] == {"script": "hant", "words": ["鐘聲"]}
        (candidate,) = (each["id"] for each in asked["candidates"])
        poem = (await one.ended(candidate)).text
        assert "鐘聲" in poem
        assert simplified(poem) != poem
        assert conforms("qijue", poem, options=HANT)
        assert the_house.row(candidate) == ("done", poem)

        await one.send("swap", key=str(uuid.uuid4()), candidate=candidate, line=0)
        swap = (await one.expect("queued"))["inspiration"]
        assert swap["options"] == asked["options"]
        lines = poem.split("\n")
        for each in swap["candidates"]:
            line = (await one.ended(each["id"])).text
            assert line != lines[0]
            assert conforms("qijue", "\n".join([line, *lines[1:]]), options=HANT)


@pytest.mark.django_db
def test_training_reads_what_the_model_wrote() -> None:
    writer, now = User.objects.create_user(username="her", consents=True), timezone.now()
    asked = Inspiration.objects.create(
        session=sessions.start(user=writer, minutes=10, theme="湖", goal=None, now=now),
        key=uuid.uuid4(),
        kind="poem",
        form="free",
        language="zh",
        options={"script": "hant"},
        messages=[],
    )
    texts = ("白髮三千丈，\n緣愁似箇長。", "頭髮在雲裡，\n後來看著雨。")
    first, _ = (
        Candidate.objects.create(inspiration=asked, position=at, text=text, status="done", sampling={}, queued_at=now)
        for at, text in enumerate(texts)
    )
    rating.compare(user=writer, inspiration=asked, kind="prefer", better=first, tags=[], now=now)
    pairing.pair_up(night=now.date(), now=now)
    (group,) = runs.groups_of(Pair.objects.all())
    assert [each["text"] for each in group["completions"]] == [
        "白发三千丈，\n缘愁似个长。",
        "头发在云里，\n后来看着雨。",
    ]
    assert Pair.objects.get().chosen_text == texts[0]  # reviewers see what she saw
