"""Makes xinyun.txt, the generator's table of 中华新韵: the characters of pingshui.txt, by how they sound in Putonghua.

    pip install pypinyin-dict==0.9.0
    python -m inference.verse.data.make_xinyun

The readings are those of 通用规范汉字字典 (2013); a character stands in the row of each of them, so that the maker can
take only what fits however it is read. The first two tones are level, the others oblique.
"""

import unicodedata
from importlib import resources
from pathlib import Path

from pypinyin_dict.pinyin_data.ktghz2013 import pinyin_dict

GROUPS = {  # the fourteen rhymes, by how a syllable ends; the first that fits counts
    "唐": ("ang",),
    "庚": ("eng", "ing", "ong"),
    "寒": ("an",),
    "文": ("en", "in", "un", "ün"),
    "开": ("ai",),
    "微": ("ei", "ui"),
    "豪": ("ao",),
    "尤": ("ou", "iu"),
    "麻": ("a",),
    "皆": ("ie", "ye", "ue", "üe"),
    "齐": ("er", "ü", "ju", "qu", "xu", "yu"),
    "波": ("e", "o"),
    "支": ("zhi", "chi", "shi", "ri", "zi", "ci", "si"),
    "姑": ("u",),
}
LEVEL = {"\u0304", "\u0301"}
OBLIQUE = {"\u030c", "\u0300"}


def reading(syllable: str) -> str | None:
    """The rhyme of a level syllable, 仄 for an oblique one, nothing for one without a tone."""
    parts = unicodedata.normalize("NFD", syllable)
    tone = {mark for mark in parts if mark in LEVEL | OBLIQUE}
    if not tone:
        return None
    if tone <= OBLIQUE:
        return "仄"
    bare = unicodedata.normalize("NFC", "".join(mark for mark in parts if mark not in LEVEL))
    return next((group for group, ends in GROUPS.items() if bare.endswith(ends)), "齐")


def common() -> list[str]:
    """The characters that verse uses, about the commonest first: one of each row of pingshui.txt after the other."""
    text = (resources.files("inference.verse") / "data" / "pingshui.txt").read_text("utf-8")
    rows = [row.split("\t") for row in text.splitlines() if not row.startswith("#")]
    every = [chars for name, chars in rows if name[0] not in "疑撞"]
    share = {char: at / len(chars) for chars in every for at, char in enumerate(chars)}
    return sorted(share, key=lambda char: (share[char], char))


def main() -> None:
    found: dict[str, list[str]] = {group: [] for group in ("麻波皆开微豪尤寒文唐庚齐支姑仄")}
    for char in common():
        heard = {reading(syllable) for syllable in pinyin_dict.get(ord(char), "").split(",")} - {None}
        for group in heard:
            found[str(group)].append(char)
    rows = [
        "# Tones and level rhymes by 中华新韵, of simplified characters that verse uses. Made by make_xinyun.py.",
        "# Source: readings of the package pypinyin-dict 0.9.0 (MIT): kTGHZ2013 of Unihan.",
        "# A line: a level rhyme, or 仄 for the third and fourth tone; then its characters, the commonest first.",
        *(f"{group}\t{''.join(chars)}" for group, chars in found.items()),
    ]
    Path(__file__).with_name("xinyun.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
