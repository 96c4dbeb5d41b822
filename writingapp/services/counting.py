"""Counting as Chinese writers count: each Han character is one, and so is each word of a script that writes words.

Kana and Hangul count by character. Punctuation, spaces and symbols count nothing. `static/js/count.js` is the same rule
for the page; `tests/vectors/counting.json` holds both to it.
"""

import re

# Ranges by hand, because `re` knows no scripts: 〇々, CJK A and base, compatibility, planes 2 and 3; kana; Hangul.
HAN = "々〇㐀-䶿一-鿿豈-\ufaff\U00020000-\U0003ffff"
KANA = "ぁ-ゖァ-ヺー"
HANGUL = "가-힣"
ALONE = f"[{HAN}{KANA}{HANGUL}]"
LETTER = rf"(?:(?!{ALONE})[^\W_])"
UNIT = re.compile(rf"{ALONE}|{LETTER}+(?:['’\-]{LETTER}+)*")


def count(text: str) -> int:
    return sum(1 for _ in UNIT.finditer(text))


def recount(before: str, after: str, start: int, end: int, counted: int) -> int:
    """The count of `after`, from that of `before`, when only `before[start:end]` was replaced.

    Only the changed place is counted, widened to where no word can run across its edge.
    """
    tail = len(before) - end
    while start > 0 and not _breaks(before[start - 1]):
        start -= 1
    while tail > 0 and not _breaks(before[len(before) - tail]):
        tail -= 1
    return counted - count(before[start : len(before) - tail]) + count(after[start : len(after) - tail])


def _breaks(character: str) -> bool:
    return character.isspace() or re.match(ALONE, character) is not None
