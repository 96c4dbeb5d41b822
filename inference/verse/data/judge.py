"""Judges all Tang poems of the size of regulated verse and all Song lyrics to our tunes, and counts what is found.

python -m inference.verse.data.judge chinese-poetry-2.0.1.tgz
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from inference.verse import check_ci
from inference.verse.check import SIZES, Verdict, check
from inference.verse.data import songs, tang
from inference.verse.data.make_songci import TITLES

FORMS = {size: form for form, size in SIZES.items()}


def main() -> None:
    """One line a form: poems, right by the usual and by the plain rules, and the faults of those that are not."""
    archive = Path(sys.argv[1])
    for form, counted in (regulated(archive) | lyrics(archive)).items():
        sys.stdout.write(f"{form}: " + ", ".join(f"{what} {times}" for what, times in counted.most_common()) + "\n")


def regulated(archive: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {form: Counter() for form in SIZES}
    for poem in tang.regulated(archive):
        form = FORMS[poem.size or (0, 0)]
        usual, plain = (check("，".join(poem.lines), form, plain=way) for way in (False, True))
        found[form].update([*_counted(usual), *(["plain"] if plain.right else [])])
    return found


def lyrics(archive: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {form: Counter() for form in TITLES}
    form_of = {title: form for form, titles in TITLES.items() for title in titles.split()}
    for song in songs.songs(archive):
        if form := form_of.get(song.title):
            found[form].update(_counted(check_ci.check("，".join(song.lines), form)))
    return found


def _counted(verdict: Verdict) -> Iterable[str]:
    """What a poem adds to the counts."""
    codes = {fault.code for fault in verdict.faults}
    only = [f"only {code}" for code in codes] if len(verdict.faults) == 1 else []
    return ["poems", *(["usual"] if verdict.right else []), *codes, *only]


if __name__ == "__main__":
    main()
