"""Whether nights of learning give writers more of what they like: simulated writers, real poems, real training.

    python -m bench.learning --model FILE.gguf [--nights 3] [--wishes 24] [--fresh 40] [--aside 26] [--out FOLDER]

The writers have a taste that nobody tells the model: they like water in a poem (`WATER`), and slip now and then. Each
day the embedded engine writes four 五绝 a wish, with the adapter of the night before; they give stars; each night a
fresh adapter is trained by DPO on all that was starred so far. Then, for wishes that nobody has had, base and adapter
write one poem each by the same draw, and the taste says blindly which it prefers; a tie is half a win.

With `--aside`, so many more wishes a day are starred and set aside, and the gate judges each night's adapter by them:
only what passes writes the next day, at the strength at which it passed.

Beside it, on the same stars: an adapter that was only shown the best poems (SFT), and a judge that looks at nothing but
length. Leaves out: the page, consent, reviews. What was written, trained and judged is kept in the folder, and a second
call goes on there.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from statistics import fmean
from typing import Any

from inference.request import Ask, Kind
from training.base import base_of
from training.gate import interval
from training.progress import say
from training.questions import Question
from training.writing import Texts, own_node, through

WATER = frozenset("水雨江河湖海溪泉波浪潮池塘露霜雪雾冰舟船帆渡岸洲渔钓鸥鹭湿滴流涧浦汀")
HOURS = ("清晨", "午后", "黄昏", "夜里", "春天", "夏天", "秋天", "冬天")
THINGS = (
    "旧书 街灯 门槛 屋檐 钟楼 菜园 火车 信箱 邻居 竹椅 石阶 猫 老井 院墙 山路 寺门 琴声 早市 茶馆 窗台 校门 槐树 炊烟 "
    "柿子 收音机 剪刀 棉被 车站 阳台 木梳 自行车 麦田 楼梯 纽扣 账本 草帽 电线杆 豆腐摊 旧相册 铁门"
)
TEXTS = 4  # a wish
SLIP = 0.15  # of the stars are one off, either way
BLIND = 900  # the draw of the blind texts


@dataclass(frozen=True, slots=True)
class Day:
    """The wishes of one day: those that are starred, those also set aside, and fresh ones for base and adapter."""

    wishes: list[str]
    aside: list[str]
    fresh: list[str]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all days share."""

    gguf: Path
    base: Path
    out: Path
    threads: int
    config: dict[str, Any]


def taste(text: str) -> int:
    """How much water is in it: different characters, so that saying one again wins nothing."""
    return len(WATER & set(text))


def stars(text: str, dice: random.Random) -> int:
    slip = dice.choice((-1, 1)) if dice.random() < SLIP else 0
    return max(1, min(5, 1 + taste(text) + slip))


def days(nights: int, wishes: int, aside: int, fresh: int) -> list[Day]:
    """No wish twice, and no water in any of them."""
    told = [f"{hour}的{thing}" for hour in HOURS for thing in THINGS.split()]
    random.Random(3).shuffle(told)
    if nights * (wishes + aside + fresh) > len(told):
        raise SystemExit(f"there are only {len(told)} wishes")
    left = iter(told)
    return [Day(*(list(islice(left, many)) for many in (wishes, aside, fresh))) for _ in range(nights)]


def asked(wishes: Sequence[str], draws: Sequence[int]) -> list[Question]:
    return [Question(Ask(Kind.POEM, "wujue", wish, "", "", "zh"), draw) for wish in wishes for draw in draws]


def group(wish: str, texts: Sequence[str], dice: random.Random, *, held_out: bool) -> dict[str, Any]:
    """A line of data.jsonl, from the stars of one writer."""
    given = [stars(text, dice) for text in texts]
    ordered = [sorted(pair, key=lambda at: -given[at]) for pair in combinations(range(len(texts)), 2)]
    pairs = [(chosen, rejected) for chosen, rejected in ordered if given[chosen] > given[rejected]]
    return {
        "id": wish,
        "prompt": asked([wish], [0])[0].messages,
        "completions": [{"text": text} for text in texts],
        "held_out": held_out,
        "pairs": [
            {"chosen": one, "rejected": other, "gap": (given[one] - given[other]) / 4, "weight": 1 / len(pairs)}
            for one, other in pairs
        ],
    }


def best_only(line: dict[str, Any]) -> dict[str, Any]:
    """For SFT: the texts that were preferred to others and never the other way round."""
    lost = {pair["rejected"] for pair in line["pairs"]}
    won = sorted({pair["chosen"] for pair in line["pairs"]} - lost)
    return line | {"completions": [line["completions"][at] for at in won], "pairs": []}


def train(bench: Bench, name: str, lines: Sequence[dict[str, Any]], **config: Any) -> Path:
    """The adapter that a run makes of these; made once."""
    run = bench.out / name
    if (run / "adapter").is_dir():
        return run / "adapter"
    run.mkdir(parents=True, exist_ok=True)
    told = {"base": str(bench.base), "served_as": "base", "threads": bench.threads} | bench.config | config
    (run / "config.json").write_text(json.dumps(told), encoding="utf-8")
    rows = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (run / "data.jsonl").write_text(rows, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "training.launch", str(run)], check=True)
    return run / "adapter"


def served(bench: Bench, name: str, serving: Path | None) -> Path | None:
    """What serves once the gate has judged a run: its adapter at the strength that passed, or what did before."""
    run = bench.out / name
    if not (run / "verdict.json").exists():
        told = {"gguf": str(bench.gguf), "serving": str(serving or ""), "threads": bench.threads, "niceness": 0}
        told |= {"cache": str(bench.out / "measured"), "limits": {"heavy_writer": 1.0}}
        (run / "gate.json").write_text(json.dumps(told), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "training.judge", str(run)], check=False)  # 1: refused
    verdict = json.loads((run / "verdict.json").read_text(encoding="utf-8"))
    at = f"passed at {verdict['scale']:g}" if verdict["passed"] else "refused"
    reasons = "; ".join(f"at {scale}: {', '.join(why)}" for scale, why in verdict["scales"].items() if why)
    print(f"  {name:10} the gate: {at}{reasons and f' ({reasons})'}", flush=True)
    return Path(verdict["adapter"]) if verdict["passed"] else serving


async def write(bench: Bench, name: str, adapters: Sequence[Path | None], questions: Sequence[Question]) -> list[Texts]:
    """The texts of each model for the same questions, through one engine."""
    told = [Texts(bench.out / f"{name}-{at}.jsonl") for at in range(len(adapters))]
    if not any(texts.missing(questions) for texts in told):
        return told
    there = [adapter for adapter in adapters if adapter]
    async with own_node(bench.gguf, there, threads=bench.threads, log=bench.out / "engine.log") as node:
        for adapter, texts in zip(adapters, told, strict=True):
            await through(node, adapter, questions, texts)
    return told


def wins(ours: Texts, base: Texts, questions: Sequence[Question]) -> Iterator[float]:
    for mine, theirs in zip(ours.of(questions), base.of(questions), strict=True):
        ahead = taste(mine.text) - taste(theirs.text)
        yield 0.5 if ahead == 0 else float(ahead > 0)


def shorter_first(lines: Sequence[dict[str, Any]]) -> float:
    """How often a judge who counts letters agrees with the stars."""
    right = []
    for line in lines:
        sizes = [len(each["text"]) for each in line["completions"]]
        for pair in line["pairs"]:
            one, other = sizes[pair["chosen"]], sizes[pair["rejected"]]
            right.append(0.5 if one == other else float(one < other))
    return fmean(right) if right else 0.5


def blind(bench: Bench, name: str, adapter: Path | None, day: Day) -> None:
    """Base and adapter on fresh wishes, and what came of it."""
    if adapter is None:
        print(f"  {name:10} the base serves", flush=True)
        return
    questions = asked(day.fresh, [BLIND])
    base, ours = asyncio.run(write(bench, f"blind-{name}", [None, adapter], questions))
    won = list(wins(ours, base, questions))
    mean, low, high = interval(won)
    waters = [fmean(taste(each.text) for each in texts.of(questions)) for texts in (base, ours)]
    print(
        f"  {name:10} wins {mean:.2f} [{low:.2f}, {high:.2f}] of {len(won)} blind pairs, {won.count(0.5)} even;"
        f" water a poem {waters[0]:.2f} -> {waters[1]:.2f}",
        flush=True,
    )


def nights(bench: Bench, told: Sequence[Day]) -> None:
    lines: list[dict[str, Any]] = []
    serving: Path | None = None
    for number, day in enumerate(told, 1):
        began, dice = time.monotonic(), random.Random(number)
        wishes = [*day.wishes, *day.aside]
        questions = asked(wishes, range(TEXTS))
        (texts,) = asyncio.run(write(bench, f"day-{number}", [serving], questions))
        said = [each.text for each in texts.of(questions)]
        lines += [
            group(wish, said[at * TEXTS :][:TEXTS], dice, held_out=wish in day.aside) for at, wish in enumerate(wishes)
        ]
        lines = [line for line in lines if line["pairs"]]
        made = train(bench, f"night-{number}", lines)
        serving = served(bench, f"night-{number}", serving) if day.aside else made
        blind(bench, f"night-{number}", serving, day)
        say(f"night {number}: {len(lines)} wishes starred, {(time.monotonic() - began) / 60:.1f} min")
    learnt = [line for line in lines if not line["held_out"]]
    blind(bench, "sft-only", train(bench, "sft-only", list(map(best_only, learnt)), method="sft"), told[-1])
    print(f"  a judge of length alone agrees with {shorter_first(lines):.2f} of the stars' pairs")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.learning")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--out", type=Path, default=Path("var/learning"), help="default: %(default)s")
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--wishes", type=int, default=24, help="starred a day")
    parser.add_argument("--fresh", type=int, default=40, help="blind pairs a night")
    parser.add_argument("--aside", type=int, default=0, help="starred a day besides, for the gate; 0: there is none")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    config = {"rank": 16, "alpha": 32, "learning_rate": 5e-5, "groups_a_step": 2, "epochs": 2, "nll": 0.05}
    bench = Bench(options.model, base_of(options.model), options.out.resolve(), options.threads, config)
    print(f"{options.nights} nights, {options.wishes} wishes a day with {TEXTS} poems each, taste: water")
    nights(bench, days(options.nights, options.wishes, options.aside, options.fresh))


if __name__ == "__main__":
    main()
