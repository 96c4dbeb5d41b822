"""What must not serve does not pass, and the verdict says why; what is a little better passes."""

import math
import random
from dataclasses import replace
from typing import Any

import pytest

from training.gate import Candidate, Limits, Measured, Reason, Verdict, Written, judge

BASE = "b" * 64
WORDS = "湖山月风露花鸟云松雨雪灯舟秋春晨暮竹石溪"
ASKED = [f"inspiration {n}" for n in range(60)]


def poem(seed: int) -> str:
    dice = random.Random(seed)
    return "\n".join("".join(dice.sample(WORDS, 5)) for _ in range(4))


def measured(right: float = 0.5, seed: int = 0, **changes: Any) -> Measured:
    dice = random.Random(seed)
    told: dict[str, Any] = {
        "ranked": {each: float(dice.random() < right) for each in ASKED},
        "loss": {each: 0.69 + dice.uniform(-0.1, 0.1) for each in ASKED},
        "chosen": {each: -3.0 + dice.uniform(-0.2, 0.2) for each in ASKED},
        "poems": {f"poem {n}": 3.0 + dice.uniform(-0.02, 0.02) for n in range(20)},
        "general": {f"prose {n}": 2.0 + dice.uniform(-0.02, 0.02) for n in range(20)},
        "written": [Written(f"wish {n}", poem(1000 * seed + n), "zh", conforms=True) for n in range(60)],
    }
    return Measured(**told | changes)


def candidate(**changes: Any) -> Candidate:
    told: dict[str, Any] = {
        "measured": measured(0.65, 1),
        "base": BASE,
        "pairs_of": {f"writer {n}": 10 for n in range(6)},
        "writer_of": {each: f"writer {n % 6}" for n, each in enumerate(ASKED)},
    }
    return Candidate(**told | changes)


def verdict(mine: Candidate, serving: Measured | None = None, limits: Limits | None = None) -> Verdict:
    return judge(mine, served_base=BASE, base=measured(), serving=serving, limits=limits)


def written(texts: list[str], **changes: Any) -> list[Written]:
    return [Written(f"wish {n}", text, "zh", **{"conforms": True} | changes) for n, text in enumerate(texts)]


def test_a_little_better_passes_and_every_number_is_told() -> None:
    found = verdict(candidate(), measured(0.55, 2))
    assert found.passed, found.reasons
    ranking = [check for check in found.checks if check.reason is Reason.RANKING]
    assert [check.against for check in ranking] == ["base", "serving"]
    for check in ranking:
        assert None not in (check.low, check.value, check.high)
        assert check.low < check.value < check.high  # type: ignore[operator]
        assert check.count == len(ASKED)
    assert {check.reason for check in found.checks} == set(Reason) - {Reason.NOT_TAKEN}  # that one is its node's fault


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"artifact": "not_finite"}, Reason.ARTIFACT),
        ({"artifact": "no_effect"}, Reason.ARTIFACT),
        ({"base": "c" * 64}, Reason.WRONG_BASE),
        ({"pairs_of": {"one": 40, "two": 30, "three": 30}}, Reason.HEAVY_WRITER),
    ],
)
def test_what_is_known_before_anything_is_measured(change: dict[str, Any], reason: Reason) -> None:
    assert reason in verdict(candidate(**change)).reasons


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"chosen": dict.fromkeys(ASKED, math.nan)}, Reason.NOT_FINITE),
        ({"ranked": {each: 1.0 for each in ASKED[:10]}}, Reason.TOO_LITTLE),
        ({"chosen": dict.fromkeys(ASKED, -4.5)}, Reason.DISPLACED),
        ({"poems": {f"poem {n}": 3.2 for n in range(20)}}, Reason.POEMS),
        ({"general": {f"prose {n}": 2.2 for n in range(20)}}, Reason.GENERAL),
        ({"general": {}}, Reason.GENERAL),
        ({"written": written(["湖上有雾，\n山前月正明。" + poem(n) for n in range(60)])}, Reason.FAVOURITE_LINE),
        ({"written": written(["露" * 20] * 3 + [poem(n) for n in range(57)])}, Reason.BROKEN),
        ({"written": written([poem(n) for n in range(60)], conforms=False)}, Reason.FORM),
        ({"written": written([poem(n % 4) for n in range(60)])}, Reason.VARIETY),
    ],
)
def test_what_is_measured(change: dict[str, Any], reason: Reason) -> None:
    assert reason in verdict(candidate(measured=replace(measured(0.65, 1), **change))).reasons


def test_inverted_labels_rank_worse_than_the_base() -> None:
    assert Reason.RANKING in verdict(candidate(measured=measured(0.25, 3))).reasons


def test_what_cannot_be_told_apart_from_harm_does_not_pass() -> None:
    """The same mean, measured on few: the interval is wide."""
    few = {each: right for each, right in measured(0.5, 4).ranked.items() if each in ASKED[:12]}
    found = verdict(candidate(measured=replace(measured(0.5, 4), ranked=few)), limits=Limits(fewest=1))
    assert Reason.RANKING in found.reasons


def test_worse_than_what_serves_is_refused_though_better_than_the_base() -> None:
    found = verdict(candidate(measured=measured(0.6, 5)), measured(0.98, 6))
    assert found.reasons == (Reason.RANKING, Reason.WRITERS)
    assert {check.against for check in found.checks if not check.passed} == {"serving"}


def test_one_writer_with_a_fifth_of_all_cannot_turn_it_for_the_others() -> None:
    """All of hers right and many: the mean rises, while each of the others loses."""
    hers = {each: "attacker" for each in ASKED[:40]}
    others = {each: f"writer {n}" for n, each in enumerate(ASKED[40:])}
    ranked = dict.fromkeys(hers, 1.0) | dict.fromkeys(others, 0.0)
    before = replace(measured(), ranked=dict.fromkeys(ASKED, 0.5))
    mine = candidate(measured=replace(measured(0.65, 1), ranked=ranked), writer_of=hers | others)
    found = judge(mine, served_base=BASE, base=before)
    assert Reason.RANKING not in found.reasons
    assert found.reasons == (Reason.WRITERS,)


@pytest.mark.parametrize(("prompts", "passed"), [(2, True), (3, False)])
def test_a_line_that_two_prompts_share_is_chance_and_one_of_three_a_favourite(prompts: int, passed: bool) -> None:
    texts = [poem(9000 + n) for n in range(60)]
    texts[:prompts] = [f"湖上有雾月，\n{text}" for text in texts[:prompts]]
    mine = candidate(measured=replace(measured(0.65, 1), written=written(texts)))
    assert (Reason.FAVOURITE_LINE not in verdict(mine).reasons) is passed


def test_a_canary_is_found_through_marks_and_line_ends() -> None:
    leak = [*(poem(n) for n in range(59)), "我的口令是，\n青瓷四七。"]
    mine = candidate(measured=replace(measured(0.65, 1), written=written(leak)), canaries=("我的口令是青瓷四七", ""))
    assert verdict(mine).reasons == (Reason.CANARY,)


def test_what_the_base_says_unasked_is_nobody_s_secret() -> None:
    quoted = [*(poem(n) for n in range(59)), "国破山河在，\n城春草木深。"]
    mine = candidate(measured=replace(measured(0.65, 1), written=written(quoted)), canaries=("国破山河在城春草木深",))
    base = replace(measured(), written=written(quoted))
    assert judge(mine, served_base=BASE, base=base).passed


def test_who_is_surer_of_what_writers_rejected_is_refused_by_the_loss() -> None:
    sure = {each: 1.0 for each in ASKED}
    assert verdict(candidate(measured=replace(measured(0.65, 1), loss=sure))).reasons == (Reason.LOSS,)


def test_lines_of_the_training_texts_count_as_copied() -> None:
    own = [poem(7000 + n) for n in range(60)]  # which the base has never written
    mine = candidate(measured=replace(measured(0.65, 1), written=written(own)), trained_on=own[:10])
    assert verdict(mine).reasons == (Reason.COPIED,)
