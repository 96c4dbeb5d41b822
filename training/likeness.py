"""How alike two texts are, and whether a text is one at all. Pure; it judges nothing of beauty."""

import re
import unicodedata

from rapidfuzz.distance import Levenshtein

_LOOP = re.compile(r"(.{1,12}?)\1{3,}", re.DOTALL)
_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")


def plain(text: str) -> str:
    """Letters and digits only, in their usual width and in small letters: what is left is what she would hear."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LN")


def distance(one: str, other: str) -> float:
    """The share of characters to be changed to make one of the other, punctuation aside: 0 to 1."""
    return Levenshtein.normalized_distance(plain(one), plain(other))


def degenerate(text: str, language: str) -> bool:
    """Empty, going round in circles, or not in the script of its language."""
    words = plain(text)
    return not words or _circles(text, words) or not _in_script(words, language)


def _circles(text: str, words: str) -> bool:
    """Half of it is one phrase four times in a row, or fewer than half of four or more lines are new."""
    repeated = max((len(found.group()) for found in _LOOP.finditer(words)), default=0)
    lines = [line for line in map(plain, text.split("\n")) if line]
    return repeated * 2 >= len(words) or (len(lines) >= 4 and len(set(lines)) * 2 < len(lines))


def _in_script(words: str, language: str) -> bool:
    """Most letters are Han for Chinese, Latin for English; of other languages nothing is asked."""
    script = {"zh": _HAN, "en": _LATIN}.get(language[:2])
    return script is None or len(script.findall(words)) * 2 > len(words)
