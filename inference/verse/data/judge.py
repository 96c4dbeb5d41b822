"""Judges all Tang poems of the size of regulated verse, and counts what is found.

python -m inference.verse.data.judge chinese-poetry-2.0.1.tgz
"""

import sys
from collections import Counter
from pathlib import Path

from inference.verse.check import SIZES, check
from inference.verse.data import tang

FORMS = {size: form for form, size in SIZES.items()}


def main() -> None:
    """One line a form: poems, right by the usual and by the strict rules, and the faults of those that are not."""
    found: dict[str, Counter[str]] = {form: Counter() for form in SIZES}
    for poem in tang.regulated(Path(sys.argv[1])):
        form = FORMS[poem.size or (0, 0)]
        usual, strict = (check("，".join(poem.lines), form, strict=way) for way in (False, True))
        codes = {fault.code for fault in usual.faults}
        found[form].update({"poems": 1, "usual": usual.right, "strict": strict.right} | dict.fromkeys(codes, 1))
        if len(usual.faults) == 1:
            found[form].update([f"only {usual.faults[0].code}"])
    for form, counted in found.items():
        sys.stdout.write(f"{form}: " + ", ".join(f"{what} {times}" for what, times in counted.most_common()) + "\n")


if __name__ == "__main__":
    main()
