"""Verse as the page is told it: what a form is held to, and what was judged of a poem, in the active language."""

from collections.abc import Iterable, Iterator

from inference.verse import readings
from inference.verse.check import Fault, Verdict
from inference.verse.folding import fold
from inference.verse.known import Source
from inference.verse.naming import rhyme_name
from inference.verse.options import Options
from inference.verse.readings import CILIN
from inference.verse.registry import FORMS
from inference.verse.teaching import Lesson
from writingapp.services.verdicts import Judged
from writingapp.verse_words import (
    ABOUT,
    ASPECTS,
    FAULTS,
    LINES,
    LOOSER,
    OTHERWISE,
    OTHERWISE_WHOLE,
    PAIRED,
    REASONS,
    RHYMING,
    RHYMING_IN_TURN,
    STRICTER,
    TONES,
    WHOLE,
)
from writingapp.wire import Payload


def form(name: str, lessons: Iterable[Lesson]) -> Payload:
    about = str(ABOUT.get(name, ""))
    told = str(LOOSER) % {"about": about} if name in STRICTER else about
    return {"form": name, "about": told, "lessons": [_lesson(each) for each in lessons]}


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
        "verdict": verdict(said.verdict, said.options) if said.verdict else None,
        "sources": [_source(at, lines[at], source) for at, source in said.sources.items()],
    }


def verdict(said: Verdict, options: Options) -> Payload:
    """`checks` are the aspects in the order of the page; `readings` are tone and rhymes by character."""
    book = CILIN if _family(said) == "ci" else options.book
    rhymes = [rhyme_name(rhyme, book) for rhyme in said.rhyme.split()]
    chars = {char for line in said.lines for char in line.text if line.wanted} if not _counted(said) else set()
    return {
        "form": said.form,
        "strict": said.strict,
        "right": said.right,
        "opening": said.opening,
        "rhyme": " ".join(rhymes),
        "checks": list(_checks(said, options, book)),
        "reasons": list(_reasons(said, rhymes)),
        "counted": _counted(said),
        "lines": [{"text": line.text, "tones": line.tones, "wanted": line.wanted} for line in said.lines],
        "readings": {char: _reading(char, book) for char in sorted(chars)},
    }


def _family(said: Verdict) -> str:
    return FORMS[said.form].family


def _counted(said: Verdict) -> bool:
    """Whether its lines count syllables: they have numbers where others have tones."""
    return any(line.tones[:1].isdigit() for line in said.lines)


def _checks(said: Verdict, options: Options, book: str) -> Iterator[Payload]:
    """The aspects that were judged: of a poem of the wrong size only that."""
    sized = not ASPECTS["size"][1] & {fault.code for fault in said.faults}
    judged = {
        "size": said.form != "free",
        "syllables": sized and _counted(said),
        "tones": sized and not _counted(said) and any(line.wanted for line in said.lines),
        "rhyme": sized and bool(said.rhyme or (_counted(said) and said.form != "haiku")),
        "asked": bool(options.head or options.words or options.pins),
    }
    for name, (label, codes) in ASPECTS.items():
        faults = [_fault(fault, said, book) for fault in said.faults if fault.code in codes]
        if faults or judged.get(name):
            named = LINES if name == "size" and _counted(said) else label
            yield {"name": name, "label": str(named), "right": not faults, "faults": faults}


def _fault(fault: Fault, said: Verdict, book: str) -> Payload:
    """With a sentence; lines and places count from 1, as the checkers have them."""
    line = said.lines[fault.line - 1] if fault.line else None
    at = (fault.place or len(line.text) if line else 1) - 1
    told = {
        "code": fault.code,
        "line": fault.line or 0,
        "place": at + 1,
        "character": line.text[at : at + 1] if line else "",
        "tone": _named(line.tones, at, said) if line else "",
        "wanted": _named(line.wanted, at, said) if line else "",
        "rhyme": fault.what or rhyme_name(said.rhyme, book),
        "what": fault.what,
    }
    sentence = FAULTS.get(fault.code, OTHERWISE) if line else WHOLE.get(fault.code, OTHERWISE_WHOLE)
    if _family(said) == "duilian":
        sentence = PAIRED.get(fault.code, sentence)
    return {"code": fault.code, "line": fault.line, "place": fault.place, "message": str(sentence) % told}


def _named(tones: str, at: int, said: Verdict) -> str:
    """The tone at a place; of verse that counts syllables how many."""
    return tones if _counted(said) else str(TONES.get(tones[at : at + 1], ""))


def _reasons(said: Verdict, rhymes: list[str]) -> Iterator[str]:
    """Why it is right: the rules that it was held to, and the words that rhyme."""
    if _family(said) in REASONS:
        yield str(REASONS[_family(said)])
    words = [line.text[-1] for line in said.lines if line.wanted[-1:] in {"韵", "叶"}]
    if words and rhymes and not ASPECTS["rhyme"][1] & {fault.code for fault in said.faults}:
        yield str(RHYMING if len(rhymes) == 1 else RHYMING_IN_TURN) % {
            "words": " ".join(words),
            "rhyme": " ".join(rhymes),
        }


def _reading(char: str, book: str) -> Payload:
    rhymes = dict.fromkeys(rhyme for _, rhyme in sorted(readings.readings(char, book)) if rhyme)
    return {"tone": readings.tone(char, book), "rhymes": [rhyme_name(rhyme, book) for rhyme in rhymes]}


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
