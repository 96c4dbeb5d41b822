"""The embedded default on this machine: first token with a warm prefix, and a quatrain from asked to finished."""

import asyncio
import time
from pathlib import Path

from bench.direct import burst
from bench.figures import in_ms
from bench.through_app import Seats, stream
from inference.embedded import cores
from inference.engines.base import Node
from inference.request import Ask, Kind
from tests.client import Tab
from tests.house import RealEngine, house
from tests.processes import wait_until
from tests.processes_inference import running

# Straight and through the app in turn, and no wish twice: what an engine has read before costs it nothing.
STRAIGHT = ("晨雾", "石桥上的霜", "初雪", "一只灰鹭", "想念外婆", "茶凉了", "空车站", "山中夜雨")
HINTED = ("雪后的竹", "一盏旧灯", "河边的早市", "父亲的伞", "槐花开了", "末班船", "空椅子", "风里的铃")
PAUSE = 1.0  # seconds between the last character of her wish and the ask
THROUGH = ("清晨的湖", "雾里的桥", "窗外有鸟", "想念远方的母亲", "旧码头", "冬天的井", "灯下读信", "远山的钟")


def embedded(model: Path) -> None:
    with house(RealEngine(model, cores())) as built:
        wait_until(lambda: "prompts computed" in built.log("engine"), within=300, what="the prompts to be computed")
        node = Node("embedded", "llamacpp", f"http://127.0.0.1:{built.engine_port}")
        asyncio.run(_measure(node, Seats(built, 1)))
        asyncio.run(_measure_stops(node, Seats(built, 1)))


async def _measure_stops(node: Node, seats: Seats) -> None:
    """From the word `stop` on the socket to an engine that works on nothing."""
    idle_after = []
    async with seats:
        one = seats.tabs[0]
        for wish in THROUGH:
            told = await one.inspire(form="free", wish=wish)
            candidate = told["candidates"][0]["id"]
            await _begun(one, candidate)
            began = time.perf_counter()
            await one.send("stop", inspiration=told["id"])
            while await asyncio.to_thread(running, node):
                pass
            idle_after.append(time.perf_counter() - began)
            await one.ended(candidate)
    print(f"  stop to idle engine      {in_ms(idle_after)}")


async def _begun(one: Tab, candidate: str) -> None:
    await one.until(lambda page: len(page.shown[candidate].text) > 3)


async def _measure(node: Node, seats: Seats) -> None:
    straight, through, hinted, poems = [], [], [], []
    async with seats:
        one = seats.tabs[0]
        for other, wish, foreseen in zip(STRAIGHT, THROUGH, HINTED, strict=True):
            straight += await burst([node], 1, Ask(Kind.POEM, "wujue", other, "", "", "zh"))
            through.append(await stream(one, kind="poem", form="wujue", wish=wish, before=""))
            await one.send("hint", kind="poem", form="wujue", wish=foreseen)
            await asyncio.sleep(PAUSE)
            hinted.append(await stream(one, kind="poem", form="wujue", wish=foreseen, before=""))
            poems += [f"{wish}：{through[-1].text}", f"{foreseen}：{hinted[-1].text}"]
    print(f"\nembedded default, one 五绝 at a time, {len(through)} wishes, prefix warm, wish new")
    print(f"  first text, straight     {in_ms([each.first for each in straight])}")
    print(f"  first text, on the page  {in_ms([each.first for each in through])}")
    print(f"  first text, read ahead   {in_ms([each.first for each in hinted])}")
    print(f"  whole poem, on the page  {in_ms([each.whole for each in through])}")
    print(f"  whole poem, read ahead   {in_ms([each.whole for each in hinted])}")
    print("  " + "\n  ".join(poem.replace("\n", "") for poem in poems))
