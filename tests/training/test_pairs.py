"""The rules of pairing, one by one, and what holds whatever is said."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.likeness import degenerate, distance
from training.pairs import (
    HOUSE,
    Fate,
    Judgement,
    Outcome,
    Pairing,
    PairOf,
    RatedText,
    Reason,
    Rules,
    Source,
    Split,
    cap_of,
    pair,
    split_of,
)

DAWN = datetime(2026, 11, 24, 6, tzinfo=UTC)
ONE, OTHER = "白露垂秋草，寒蝉咽晚枝。", "青山横北郭，一叶落空阶。"


def text(id: str = "a", **said: Any) -> RatedText:
    usual: dict[str, Any] = {"inspiration": "i", "writer": "w", "form": "wujue", "kind": "poem", "language": "zh"}
    usual |= {"text": ONE if id == "a" else OTHER, "position": 0 if id == "a" else 1}
    return RatedText(id=id, **(usual | said))


def said(kind: str, candidate: str = "", *, at: int = 0, **more: Any) -> Judgement:
    usual: dict[str, Any] = {"id": f"{kind}{candidate}{at}", "writer": "w", "inspiration": "i", "consent": True}
    return Judgement(kind=kind, candidate=candidate, at=DAWN + timedelta(minutes=at), **(usual | more))


def stars(candidate: str, score: int, *, at: int = 0, **more: Any) -> Judgement:
    return said("score", candidate, at=at, score=score, **more)


def read(
    *judgements: Judgement, texts: tuple[RatedText, ...] = (text("a"), text("b")), rules: Rules = HOUSE
) -> Pairing:
    return pair(texts, judgements, rules)


def only(pairing: Pairing) -> PairOf:
    (made,) = pairing.pairs
    return made


def why(pairing: Pairing) -> dict[str, Reason | None]:
    return {each: outcome.reason for each, outcome in pairing.fates.items()}


# --- who is chosen ---------------------------------------------------------------------------------------------------
def test_the_preferred_text_is_chosen() -> None:
    pairing = read(said("prefer", "b"))
    made = only(pairing)
    assert (made.key, made.gap, made.source, made.held) == (("b", "a"), 0.5, Source.COMPARE, None)
    assert pairing.fates == {"preferb0": Outcome(Fate.PAIRED)}


def test_more_stars_are_chosen_and_say_how_much() -> None:
    made = only(read(stars("a", 2), stars("b", 5)))
    assert (made.key, made.gap, made.source) == (("b", "a"), 0.75, Source.SCORE)
    assert set(made.ratings) == {"scorea0", "scoreb0"}


def test_a_choice_that_stars_bear_out_has_their_gap() -> None:
    pairing = read(said("prefer", "a"), stars("a", 5, at=1), stars("b", 1, at=2))
    assert only(pairing).gap == 1
    assert {outcome.fate for outcome in pairing.fates.values()} == {Fate.PAIRED}


def test_one_of_two_swapped_lines_is_a_pair_of_its_own_source() -> None:
    lines = (text("a", kind="swap"), text("b", kind="swap"))
    assert only(read(said("prefer", "a"), texts=lines)).source == Source.SWAP


def test_to_take_one_is_a_softer_sign_and_none_where_she_judged() -> None:
    taken = (text("a"), text("b", taken=True))
    made = only(read(texts=taken))
    assert (made.key, made.source, made.ratings) == (("b", "a"), Source.TAKEN, ())
    assert made.gap < 0.25  # less than a star
    for judgement in (said("tie"), said("prefer", "a", consent=False), stars("a", 5, line=0)):
        assert all(each.source != Source.TAKEN for each in read(judgement, texts=taken).pairs)
    assert read(texts=(text("a", taken=True), text("b", taken=True))).pairs == []


# --- what is never paired --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("judgement", "reason"),
    [
        (said("tie"), Reason.TIE),
        (said("both_bad"), Reason.BOTH_BAD),
        (said("prefer", "a", again=True), Reason.AGAIN),
        (stars("a", 5), Reason.NO_PARTNER),
        (stars("a", 5, line=1), Reason.LINE_ALONE),
        (said("prefer", "elsewhere"), Reason.NO_PARTNER),
        (said("prefer", "a", writer="another"), Reason.NO_PARTNER),
        (said("prefer", "a", inspiration="another"), Reason.NO_PARTNER),
    ],
)
def test_what_is_no_pair_is_recorded_with_its_reason(judgement: Judgement, reason: Reason) -> None:
    pairing = read(judgement)
    assert pairing.pairs == []
    assert pairing.fates == {judgement.id: Outcome(Fate.NOT_PAIRED, reason)}


def test_without_consent_nothing_is_learnt() -> None:
    pairing = read(said("prefer", "a", consent=False))
    assert (pairing.pairs, pairing.fates) == ([], {"prefera0": Outcome(Fate.NO_CONSENT)})


def test_equal_stars_are_a_tie_and_say_nothing_against_a_choice() -> None:
    assert set(why(read(stars("a", 3), stars("b", 3))).values()) == {Reason.TIE}
    assert only(read(said("prefer", "a"), stars("a", 3, at=1), stars("b", 3, at=1))).key == ("a", "b")


def test_a_text_that_broke_off_is_not_compared() -> None:
    assert why(read(said("prefer", "a"), texts=(text("a"), text("b", finished=False)))) == {
        "prefera0": Reason.UNFINISHED
    }


@pytest.mark.parametrize("other", [{"form": "qijue"}, {"inspiration": "j"}, {"writer": "v"}, {"kind": "line"}])
def test_texts_of_another_context_are_no_partners(other: dict[str, str]) -> None:
    assert read(said("prefer", "a"), stars("a", 5), stars("b", 1), texts=(text("a"), text("b", **other))).pairs == []


# --- contradictions --------------------------------------------------------------------------------------------------
def test_of_a_choice_and_stars_that_differ_the_later_counts() -> None:
    later = read(said("prefer", "a", at=9), stars("a", 1), stars("b", 5))
    assert only(later).key == ("a", "b")
    assert why(later) == {"prefera9": None, "scorea0": Reason.OVERTAKEN, "scoreb0": Reason.OVERTAKEN}
    earlier = read(said("prefer", "a"), stars("a", 1), stars("b", 5, at=9))
    assert only(earlier).key == ("b", "a")
    assert why(earlier)["prefera0"] == Reason.OVERTAKEN


def test_of_one_moment_neither_counts() -> None:
    pairing = read(said("prefer", "a"), stars("a", 1), stars("b", 5))
    assert pairing.pairs == []
    assert set(why(pairing).values()) == {Reason.CONTRADICTED}


def test_a_later_word_of_the_same_kind_replaces_the_earlier() -> None:
    pairing = read(said("prefer", "a"), said("prefer", "b", at=1))
    assert only(pairing).key == ("b", "a")
    assert why(pairing)["prefera0"] == Reason.OVERTAKEN
    assert read(said("prefer", "a"), said("tie", at=1)).pairs == []


# --- held back -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (ONE, ONE, Reason.SAME_TEXT),
        (ONE, " 白露 垂秋草,寒蝉咽晚枝!", Reason.SAME_TEXT),
        (ONE, "白露垂秋叶，寒蝉咽晚枝。", Reason.TOO_CLOSE),
        (ONE, "", Reason.DEGENERATE),
        (ONE, "。。。", Reason.DEGENERATE),
        (ONE, "月光月光月光月光月光月光", Reason.DEGENERATE),
        (ONE, "\n".join(["秋风起"] * 4 + ["叶落"]), Reason.DEGENERATE),
        (ONE, "As an AI language model", Reason.DEGENERATE),
        ("错体之诗", OTHER, Reason.OUT_OF_FORM),
        (f"{OTHER}\n床前明月光", ONE, Reason.COPIED),
        (ONE, "错体之诗", None),
        (ONE, f"{OTHER}\n床前明月光", None),
    ],
)
def test_a_pair_that_would_teach_amiss_is_held_back(chosen: str, rejected: str, reason: Reason | None) -> None:
    rules = Rules(in_form=lambda each: "错体" not in each.text, in_corpus=lambda line: line == "床前明月光")
    texts = (text("a", text=chosen), text("b", text=rejected))
    pairing = read(said("prefer", "a"), texts=texts, rules=rules)
    assert only(pairing).held == reason
    assert pairing.fates["prefera0"] == (Outcome(Fate.HELD, reason) if reason else Outcome(Fate.PAIRED))


def test_a_judgement_with_one_free_pair_is_paired() -> None:
    texts = (text("a"), text("b", text=ONE), text("c", position=2))
    pairing = read(said("prefer", "a"), texts=texts)
    assert [each.held for each in pairing.pairs] == [None, Reason.SAME_TEXT]
    assert pairing.fates == {"prefera0": Outcome(Fate.PAIRED)}


def test_who_chooses_the_other_one_when_they_change_places_is_not_learnt_from() -> None:
    assert only(read(said("prefer", "a"), said("prefer", "b", at=9, again=True, swapped=True))).held == (
        Reason.SWAPPED_ONCE
    )
    assert only(read(said("prefer", "a"), said("prefer", "a", at=9, again=True, swapped=True))).held is None


@pytest.mark.parametrize(
    ("one", "other", "apart"), [("", "", 0), ("春眠", "", 1), ("ＡＢ，c", "ab C!", 0), ("春眠", "春困", 0.5)]
)
def test_distance_is_of_what_is_heard(one: str, other: str, apart: float) -> None:
    assert distance(one, other) == apart


@pytest.mark.parametrize(
    "poem", ["采采芣苢，薄言采之。\n采采芣苢，薄言有之。", "寻寻觅觅，冷冷清清，凄凄惨惨戚戚。", ONE]
)
def test_what_poets_repeat_is_not_degenerate(poem: str) -> None:
    assert not degenerate(poem, "zh")


# --- caps ------------------------------------------------------------------------------------------------------------
def crowd(wanted: dict[str, int]) -> tuple[list[RatedText], list[Judgement]]:
    asks = [(writer, f"{writer}{at}") for writer, count in wanted.items() for at in range(count)]
    texts = [text(f"{ask}{id}", writer=who, inspiration=ask, text=words) for who, ask in asks for id, words in
             (("a", ONE), ("b", OTHER))]  # fmt: skip
    return texts, [said("prefer", f"{ask}a", id=ask, writer=who, inspiration=ask) for who, ask in asks]


def kept(pairing: Pairing) -> Counter[str]:
    return Counter(each.chosen.writer for each in pairing.pairs if each.held is None)


def test_an_inspiration_has_six_pairs_of_the_clearest_and_counts_once() -> None:
    words = ["春江潮水", "月落乌啼", "大漠孤烟", "两个黄鹂", "红豆南国"]
    texts = tuple(text(str(at), text=each, position=at) for at, each in enumerate(words))
    pairing = read(*(stars(str(at), at + 1) for at in range(5)), texts=texts)
    free = [each for each in pairing.pairs if each.held is None]
    assert len(free) == 6
    assert {each.held for each in pairing.pairs} == {None, Reason.CAPPED_INSPIRATION}
    assert min(each.gap for each in free) >= max(each.gap for each in pairing.pairs if each.held)
    assert sum(each.weight for each in free) == pytest.approx(1)


def test_nobody_has_more_than_her_share_of_a_night() -> None:
    pairing = pair(*crowd({"loud": 60, **{f"w{at}": 2 for at in range(10)}}))
    counts = kept(pairing)
    assert counts["loud"] == 8  # of 28
    assert counts.total() == 28
    assert pairing.counts()["held: capped_writer"] == 52


def test_what_a_writer_has_got_tonight_counts() -> None:
    texts, judgements = crowd({"w": 5})
    assert kept(pair(texts, judgements, tonight={"w": 38}))["w"] == 2
    texts, judgements = crowd({"w": 30})
    assert kept(pair(texts, judgements, tonight={"x": 5, "y": 5, "z": 5}))["w"] == 6  # of 21


@given(st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 60), min_size=1, max_size=12))
def test_the_cap_holds_for_any_crowd_and_is_not_lower_than_it_must(wanted: dict[str, int]) -> None:
    most = cap_of(wanted, HOUSE)
    assert 1 <= most <= HOUSE.a_writer
    if len(wanted) > 3:
        assert most <= 0.3 * sum(min(each, most) for each in wanted.values())
        more = most + 1
        assert more > HOUSE.a_writer or more > 0.3 * sum(min(each, more) for each in wanted.values())


# --- whatever is said ------------------------------------------------------------------------------------------------
@st.composite
def mornings(draw: st.DrawFn) -> tuple[list[RatedText], list[Judgement]]:
    texts = [
        text(
            f"{ask}{at}",
            inspiration=f"i{ask}",
            writer=draw(st.sampled_from("vw")) if at == 9 else "vw"[ask % 2],
            text=draw(st.sampled_from([ONE, OTHER, "", "春江潮水连海平", "月落乌啼霜满天"])),
            position=at,
            finished=draw(st.integers(0, 9)) > 0,
            taken=draw(st.booleans()),
        )
        for ask in range(draw(st.integers(1, 4)))
        for at in range(draw(st.integers(1, 4)))
    ]
    judgements = []
    for number in range(draw(st.integers(0, 12))):
        about = draw(st.sampled_from(texts))
        kind = draw(st.sampled_from(["prefer", "tie", "both_bad", "score"]))
        judgements.append(
            said(
                kind,
                about.id if kind in ("prefer", "score") else "",
                at=draw(st.integers(0, 3)),
                id=str(number),
                writer=draw(st.sampled_from([about.writer, "v", "w"])),
                inspiration=about.inspiration,
                score=draw(st.integers(1, 5)) if kind == "score" else None,
                line=draw(st.sampled_from([None, None, 0])) if kind == "score" else None,
                consent=draw(st.integers(0, 3)) > 0,
                again=draw(st.integers(0, 5)) == 0 and kind != "score",
            )
        )
    return texts, judgements


@given(mornings(), st.randoms(use_true_random=False))
def test_what_holds_whatever_is_said(morning: tuple[list[RatedText], list[Judgement]], random: Any) -> None:
    texts, judgements = morning
    pairing = pair(texts, judgements)
    by_id = {each.id: each for each in judgements}
    assert set(pairing.fates) == set(by_id)  # each judgement has one fate
    assert pairing.counts().total() == len(judgements)
    assert len({frozenset(each.key) for each in pairing.pairs}) == len(pairing.pairs)  # never a pair and its contrary
    used = {rating for each in pairing.pairs for rating in each.ratings}
    for id, (fate, reason) in pairing.fates.items():
        assert (fate in (Fate.PAIRED, Fate.HELD)) == (id in used)
        assert (reason is None) == (fate in (Fate.PAIRED, Fate.NO_CONSENT))
    for each in pairing.pairs:
        assert each.chosen.context == each.rejected.context
        assert each.chosen.finished
        assert each.rejected.finished
        assert 0 < each.gap <= 1
        for said in (by_id[rating] for rating in each.ratings):
            assert said.consent
            assert not said.again
            assert said.line is None
            assert (said.writer, said.inspiration) == each.chosen.context[:2]
            assert said.kind in ("prefer", "score")
            assert said.kind != "prefer" or said.candidate == each.chosen.id
        scores = {by_id[rating].candidate: by_id[rating].score or 0 for rating in each.ratings
                  if by_id[rating].kind == "score"}  # fmt: skip
        assert not scores or scores[each.chosen.id] > scores[each.rejected.id]
    random.shuffle(texts)
    random.shuffle(judgements)
    again = pair(texts, judgements)
    assert again.fates == pairing.fates  # whatever the order
    assert {each.key: each for each in again.pairs} == {each.key: each for each in pairing.pairs}


def test_the_split_is_the_inspirations_own_and_nobodys_guess() -> None:
    drawn = Counter(split_of(str(at), b"key") for at in range(10_000))
    assert 850 < drawn[Split.HELD_OUT] < 1150
    assert [split_of(str(at), b"key") for at in range(50)] == [split_of(str(at), b"key") for at in range(50)]
    assert [split_of(str(at), b"key") for at in range(500)] != [split_of(str(at), b"other") for at in range(500)]
