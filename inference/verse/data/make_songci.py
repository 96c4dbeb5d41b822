"""Makes songci.txt, the checker's patterns of 词, from what Song poets wrote: no book of tunes (词谱) is read.

    npm pack chinese-poetry@2.0.1
    python -m inference.verse.data.make_songci chinese-poetry-2.0.1.tgz

The poems of a tune are told apart by their line lengths. Of each sort that is common enough, the tone that nearly all
have at a place is the tone of the place, and line ends that mostly rhyme with one another are a rhyme. The tones and
rhymes are those of the checker's table.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

from inference.verse.data import songs
from inference.verse.readings import CILIN, LEVEL, OBLIQUE, readings, tone

TITLES = {  # in the package, by form
    "yijiangnan": "望江南・忆江南 望江南 忆江南 梦江南 江南好",
    "changxiangsi": "长相思",
    "rumengling": "如梦令",
    "huanxisha": "浣溪沙",
    "pusaman": "菩萨蛮",
    "busuanzi": "卜算子",
    "xijiangyue": "西江月",
    "qingpingle": "清平乐",
    "caisangzi": "采桑子 丑奴儿・采桑子 丑奴儿",
    "jianzimulanhua": "减字木兰花",
    "langtaosha": "浪淘沙",
    "zhegutian": "鹧鸪天",
    "linjiangxian": "临江仙",
    "dielianhua": "蝶恋花",
    "yujiaao": "渔家傲",
    "dingfengbo": "定风波",
}
COMMON = 0.05  # of a tune's poems from which on a sort of it counts as one of its forms
FEWEST = 12  # poems from which tones can be told
SURE = 0.9  # of the poems that have one tone at a place, from which on the place wants it
RHYMED = 0.5  # of the poems in which two line ends rhyme, from which on they are one rhyme
SAID_TWICE = 0.8  # of the poems that say a line twice, from which on the tune wants it
REPEATED = 0.07  # of the poems that rhyme twice on one word, from which on they may

Poem = Sequence[str]


def main() -> None:
    by_title: dict[str, list[Poem]] = defaultdict(list)
    for song in songs.songs(Path(sys.argv[1])):
        by_title[song.title].append(song.lines)
    rows = [
        "# Patterns of 词 as Song poets wrote them. Made by make_songci.py.",
        "# Source: the package chinese-poetry 2.0.1, MIT License (see LICENSE.chinese-poetry).",
        "# A line: a form, how many of its poems are of this sort, of how many in all, and the lines, a tone a place:",
        "# 平, 仄, · for either; then the number of its rhyme (one number, one rhyme; its tone is that of the place),",
        "# = where it says the line before again, ~ where its rhyme word may be the one before.",
    ]
    for form, titles in TITLES.items():
        poems = [poem for title in titles.split() for poem in by_title[title]]
        for sort, alike in sorts(poems):
            rows.append(f"{form}\t{len(alike)}\t{len(poems)}\t{'/'.join(pattern(sort, alike))}")
            sys.stdout.write(rows[-1] + "\n")
    Path(__file__).with_name("songci.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


def sorts(poems: Sequence[Poem]) -> Iterator[tuple[tuple[int, ...], list[Poem]]]:
    """The sorts of a tune by their line lengths, the commonest first."""
    found: dict[tuple[int, ...], list[Poem]] = defaultdict(list)
    for poem in poems:
        found[tuple(map(len, poem))].append(poem)
    for sort, alike in sorted(found.items(), key=lambda each: -len(each[1])):
        if len(alike) >= max(FEWEST, COMMON * len(poems)):
            yield sort, alike


def pattern(sort: tuple[int, ...], poems: Sequence[Poem]) -> Iterator[str]:
    """Each line's tones, and what its end has to do with other ends."""
    rhyme = _rhymes(len(sort), poems)
    for line, size in enumerate(sort):
        again = line > 0 and share(poem[line] == poem[line - 1] for poem in poems) > SAID_TWICE
        same = line in rhyme and _says_again(line, rhyme, poems)
        tones = "".join(_tone([poem[line][at] for poem in poems]) for at in range(size))
        yield tones + str(rhyme.get(line, "")) + ("=" if again else "~" if same else "")


def _tone(chars: Sequence[str]) -> str:
    """What nearly all have; characters of both tones or none have no say."""
    heard = Counter(tone(char, CILIN) for char in chars)
    level, oblique = heard[LEVEL], heard[OBLIQUE]
    return LEVEL if level > SURE * (level + oblique) else OBLIQUE if oblique > SURE * (level + oblique) else "·"


def _rhymes(lines: int, poems: Sequence[Poem]) -> dict[int, int]:
    """The number of the rhyme of each line that has one."""
    groups: list[set[int]] = [{line} for line in range(lines)]
    for one, other in combinations(range(lines), 2):
        if share(chimes(poem[one][-1], poem[other][-1]) for poem in poems) > RHYMED:
            first = next(group for group in groups if one in group)
            second = next(group for group in groups if other in group)
            if first is not second:
                first |= second
                groups.remove(second)
    rhyming = sorted((group for group in groups if len(group) > 1), key=min)
    return {line: number for number, group in enumerate(rhyming, 1) for line in group}


def chimes(one: str, other: str) -> bool:
    """Whether two characters have a part of 词林正韵 in common, in whichever tone."""
    return any(mine == theirs for _, mine in readings(one, CILIN) for _, theirs in readings(other, CILIN))


def _says_again(line: int, rhyme: dict[int, int], poems: Sequence[Poem]) -> bool:
    before = max((each for each, number in rhyme.items() if number == rhyme[line] and each < line), default=None)
    return before is not None and share(poem[line][-1] == poem[before][-1] for poem in poems) > REPEATED


def share(held: Iterator[bool]) -> float:
    every = list(held)
    return sum(every) / len(every)


if __name__ == "__main__":
    main()
