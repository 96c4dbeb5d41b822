"""The operator's figures: there for whoever has the token, and never with anybody's words in them."""

import urllib.request
from typing import Any

import pytest
from django.test import Client

from tests.client import Writer, tab
from tests.house import FakeEngine, house
from tests.processes import free_port, wait_until

TOKEN = "a token long enough for a test"
CANARY = "金丝雀"


@pytest.mark.parametrize("said", ["", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}湖"])
def test_without_the_token_there_is_nothing(client: Client, settings: Any, said: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", HTTP_AUTHORIZATION=said.encode().decode("latin-1")).status_code == 404


def test_a_house_without_a_token_has_no_such_page(client: Client) -> None:
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


async def test_web_and_worker_tell_counts_and_seconds_and_no_words() -> None:
    port = free_port()
    with house(FakeEngine(rate=0), METRICS_TOKEN=TOKEN, WORKER_METRICS_PORT=str(port)) as built:
        ((cookie, session),) = built.sit_down("counted")
        async with tab(Writer(built, cookie), session) as one:
            asked = await one.inspire(form="wujue", wish=CANARY, candidates=1)
            await one.ended(asked["candidates"][0]["id"])
            web = fetched(f"{built.url}/metrics", TOKEN)
        worker = fetched(f"http://127.0.0.1:{port}/metrics")
    assert 'bailu_asks_total{answer="asked"} 1.0' in web
    assert "bailu_sockets 1.0" in web
    assert 'bailu_texts_total{engine="fake",node="fake",status="done"} 1.0' in worker
    assert 'bailu_tokens_total{engine="fake",node="fake"} 27.0' in worker  # twenty characters, four marks, three breaks
    assert 'bailu_first_text_seconds_count{engine="fake",node="fake"} 1.0' in worker
    assert 'bailu_node_ready{engine="fake",node="fake"} 1.0' in worker
    assert 'bailu_stage_seconds_count{stage="ask"} 1.0' in web
    stages = {name for name in ("to_claim", "seat", "engine") if f'stage="{name}"}} 1.0' in worker}
    assert stages == {"to_claim", "seat", "engine"}
    assert CANARY not in web + worker
    assert "counted" not in web + worker


async def test_what_finds_every_pen_busy_is_brought_by_celery_and_counted() -> None:
    with house(FakeEngine(rate=20, tokens=60), METRICS_TOKEN=TOKEN, INSPIRE_CONCURRENCY="1") as built:
        (first, at_first), (second, at_second) = built.sit_down("first", "second")
        async with tab(Writer(built, first), at_first) as one, tab(Writer(built, second), at_second) as other:
            begun = await one.inspire()
            await one.expect("frame")
            waiting = await other.inspire()
            page = f"{built.url}/metrics"
            sent = 'bailu_stage_seconds_count{stage="enqueue"} 1.0'
            wait_until(lambda: sent in fetched(page, TOKEN), within=5, what="the message to the worker")
            assert (await one.ended(begun["candidates"][0]["id"])).status == "done"
            assert (await other.ended(waiting["candidates"][0]["id"])).status == "done"
            assert sent in fetched(page, TOKEN)


def fetched(url: str, token: str = "") -> str:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return str(answer.read().decode())
