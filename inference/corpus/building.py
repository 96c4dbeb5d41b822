"""Writes the index that `inference.verse.lines` reads: 22 s of one core and 424 MB while it works."""

import json
from array import array
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.corpus.package import DYNASTIES, Fame, read
from inference.verse.lines import FAMOUS, LONGEST, MAGIC, NUMBER, SHORTEST, encode

Bytes = NDArray[np.bytes_]
Numbers = NDArray[np.uint32]
# How many of a ranked collection people look for; of the unranked ones those that are short are famous as a whole.
LOOKED_FOR = {"poet.tang": 5_000, "poet.song": 2_500, "ci.song": 1_500}
CLASSICS = ("先秦", "三国", "五代", "清")


class Gathered:
    """Poems and their lines as they come: of each line its characters, and the number of its poem."""

    def __init__(self, archive: Path) -> None:
        self.names: list[str] = []
        self.places: list[tuple[int, tuple[str, int, int]]] = []
        self.texts: dict[int, bytearray] = defaultdict(bytearray)
        self.poems: dict[int, array[int]] = defaultdict(lambda: array("I"))
        self.fame: Fame = {}
        for number, poem in enumerate(read(archive, self.fame)):
            self.names.append(f"{poem.dynasty}\t{poem.author}\t{poem.title}")
            self.places.append((DYNASTIES.index(poem.dynasty), poem.place))
            for line in poem.lines:
                if SHORTEST <= len(line) <= LONGEST:
                    self.texts[len(line)] += encode(line)
                    self.poems[len(line)].append(number)

    def order(self) -> list[int]:
        """The poems, the earlier dynasty first and in it the better known: a line is by the first that has it."""
        ranks = [(dynasty, -self.fame.get(place, 0.0), place) for dynasty, place in self.places]
        return sorted(range(len(ranks)), key=ranks.__getitem__)

    def famous(self) -> set[int]:
        """The poems that people look for."""
        by_kind: dict[str, list[int]] = defaultdict(list)
        for number, (_, place) in enumerate(self.places):
            by_kind[place[0]].append(number)
        found = {number for kind in CLASSICS for number in by_kind[kind]}
        for kind, most in LOOKED_FOR.items():
            ranked = sorted(by_kind[kind], key=lambda number: -self.fame.get(self.places[number][1], 0.0))
            found.update(ranked[:most])
        return found


def build(archive: Path, out: Path) -> int:
    """Make the index from the package's file; the number of its lines. The file appears whole or not at all."""
    gathered = Gathered(archive)
    order, famous = gathered.order(), gathered.famous()
    rank = np.empty(len(order), dtype=np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    flags = np.zeros(len(order), dtype=np.uint32)
    flags[list(famous)] = FAMOUS
    parts: dict[int, tuple[bytes, bytes, int]] = {}
    for length in sorted(gathered.texts):
        poems = np.array(gathered.poems.pop(length))
        parts[length] = _section(length, gathered.texts.pop(length), rank[poems], flags[poems])
    blob = [gathered.names[number].encode() for number in order]
    starts = np.concatenate([[0], np.cumsum([len(name) for name in blob])]).astype(f">u{NUMBER}").tobytes()
    _write(out, parts, starts, b"".join(blob))
    return sum(count for _, _, count in parts.values())


def _section(length: int, text: bytearray, poems: Numbers, flags: Numbers) -> tuple[bytes, bytes, int]:
    """The records of the lines of one length, their order from the end, and how many they are."""
    lines: Bytes = np.frombuffer(text, dtype=f"S{2 * length}")
    order = np.lexsort((poems, lines))
    lines, poems = lines[order], (poems | flags)[order]
    first = np.concatenate([[True], lines[1:] != lines[:-1]])  # of a line that several poems have, the first of these
    lines, poems = lines[first], poems[first]
    letters = np.frombuffer(lines.tobytes(), dtype=">u2").reshape(-1, length)
    turned = np.ascontiguousarray(letters[:, ::-1]).view(f"S{2 * length}").ravel()
    record = np.dtype([("line", ">u2", (length,)), ("poem", f">u{NUMBER}")])
    records = np.empty(len(lines), dtype=record)
    records["line"], records["poem"] = letters, poems
    return records.tobytes(), np.argsort(turned, kind="stable").astype(f">u{NUMBER}").tobytes(), len(lines)


def _write(out: Path, parts: dict[int, tuple[bytes, bytes, int]], starts: bytes, names: bytes) -> None:
    """Places in the head count from its end."""
    sections: dict[int, tuple[int, int, int]] = {}
    at = 0
    for length, (lines, ends, count) in parts.items():
        sections[length] = (count, at, at + len(lines))
        at += len(lines) + len(ends)
    head = json.dumps({"sections": sections, "poems": at, "names": at + len(starts)}).encode()
    fresh = out.with_name(f"{out.name}.partial")
    with fresh.open("wb") as file:
        file.write(MAGIC + len(head).to_bytes(NUMBER, "big") + head)
        for lines, ends, _ in parts.values():
            file.write(lines)
            file.write(ends)
        file.write(starts + names)
    fresh.replace(out)
