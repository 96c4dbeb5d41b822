"""Verse as the page is told it: what a form is held to, and what was judged of a poem, in the active language."""

from collections.abc import Iterable, Iterator

from inference.verse import readings
from inference.verse.check import Fault, Verdict
from inference.verse.folding import fold
from inference.verse.known import Source
from inference.verse.naming import rhyme_name
from inference.verse.teaching import Lesson
from writingapp.services.verdicts import Judged
from writingapp.verse_words import ABOUT, ASPECTS, FAULTS, OTHERWISE, OTHERWISE_WHOLE, TONES, WHOLE
from writingapp.wire import Payload


def form(name: str, lessons: Iterable[Lesson]) -> Payload:
    return {"form": name, "about": str(ABOUT.get(name, "")), "lessons": [_lesson(each) for each in lessons]}


def _lesson(lesson: Lesson) -> Payload:
    return {
        "opening": lesson.opening,
        "author": lesson.author,
        "when": lesson.when,
        "title": lesson.title,
        "language": lesson.language,
        "lines": [
            {"text": line.text, "marks": line.marks, "size": line.size, "rhyme": line.rhyme} for line in lesson.lines
        ],
    }


def judged(said: Judged) -> Payload:
    lines = said.poem.split("\n")
    return {
        "verdict": verdict(said.verdict, said.book) if said.verdict else None,
        "sources": [_source(at, lines[at], source) for at, source in said.sources.items()],
    }


def verdict(said: Verdict, book: str) -> Payload:
    """`checks` are the aspects in the order of the page; `readings` are tone and level rhymes by character."""
    return {
        "form": said.form,
        "strict": said.strict,
        "right": said.right,
        "opening": said.opening,
        "rhyme": rhyme_name(said.rhyme),
        "checks": list(_checks(said)),
        "lines": [{"text": line.text, "tones": line.tones, "wanted": line.wanted} for line in said.lines],
        "counted": _counted(said),
        "readings": {} if _counted(said) else {char: _reading(char, book) for line in said.lines for char in line.text},
    }


def _counted(said: Verdict) -> bool:
    """Whether its lines count syllables: they have numbers where others have tones."""
    return any(line.tones[:1].isdigit() for line in said.lines)


def _checks(said: Verdict) -> Iterator[Payload]:
    """The aspects that were judged: of a poem of the wrong size only that."""
    judged = {"size", "syllables" if _counted(said) else "tones"} | ({"rhyme"} if said.rhyme else set())
    sized = not ASPECTS["size"][1] & {fault.code for fault in said.faults}
    for name, (label, codes) in ASPECTS.items():
        faults = [_fault(fault, said) for fault in said.faults if fault.code in codes]
        if faults or name == "size" or (sized and name in judged):
            yield {"name": name, "label": str(label), "right": not faults, "faults": faults}


def _fault(fault: Fault, said: Verdict) -> Payload:
    """With a sentence; lines and places count from 1, as the checker has them."""
    line = said.lines[fault.line - 1] if fault.line else None
    at = (fault.place or len(line.text) if line else 1) - 1
    told = {
        "code": fault.code,
        "line": fault.line or 0,
        "place": at + 1,
        "character": line.text[at : at + 1] if line else "",
        "tone": _named(line.tones, at, said) if line else "",
        "wanted": _named(line.wanted, at, said) if line else "",
        "rhyme": rhyme_name(fault.what or said.rhyme),
    }
    sentence = FAULTS.get(fault.code, OTHERWISE) if line else WHOLE.get(fault.code, OTHERWISE_WHOLE)
    return {"code": fault.code, "line": fault.line, "place": fault.place, "message": str(sentence) % told}


def _named(tones: str, at: int, said: Verdict) -> str:
    """The tone at a place; of verse that counts syllables how many."""
    return tones if _counted(said) else str(TONES.get(tones[at : at + 1], ""))


def _reading(char: str, book: str) -> Payload:
    rhymes = dict.fromkeys(rhyme for _, rhyme in sorted(readings.readings(char, book)) if rhyme)
    return {"tone": readings.tone(char, book), "rhymes": [rhyme_name(rhyme) for rhyme in rhymes]}


def _source(at: int, line: str, source: Source) -> Payload:
    near = source.line not in fold(line)
    return {
        "line": at,
        "dynasty": source.dynasty,
        "author": source.author,
        "title": source.title,
        "old": source.line,
        "near": near,
    }
