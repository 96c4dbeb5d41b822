"""Makes simple.txt: traditional characters and the simplified ones they are today, character by character.

pip install opencc==1.4.2
python -m inference.verse.data.make_simple
"""

from pathlib import Path

from opencc import OpenCC

RANGES = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00))


def main() -> None:
    simplified = OpenCC("t2s").convert
    every = (chr(code) for codes in RANGES for code in codes)
    pairs = [(char, simple) for char in every if (simple := simplified(char)) != char and len(simple) == 1]
    rows = [
        "# Traditional characters, and below them the simplified ones in the same order. Made by make_simple.py.",
        "# Source: the dictionaries of the package opencc 1.4.2, Apache License 2.0.",
        "".join(char for char, _ in pairs),
        "".join(simple for _, simple in pairs),
    ]
    Path(__file__).with_name("simple.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
