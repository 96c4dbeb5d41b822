"""The Chinese of the house: complete, compiled, and in step with the code."""

import ast
import re
from pathlib import Path

import polib
import pytest
from django.utils import translation
from django.utils.translation.template import templatize

from writingapp.models import Candidate, TrainingRun

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
# which argument is the sentence
SPEAKING = {"_": 0, "gettext": 0, "gettext_lazy": 0, "ngettext": 0, "pgettext_lazy": 1}
LEFT = {"审稿人": "评审人", "基础模型": "底模", "账号": "账户"}  # docs/glossary.md: one word for one thing


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE / "django.po"))


def sentences_of_code() -> set[str]:
    """What every call that asks for a translation asks for."""
    found: set[str] = set()
    for folder in ("writingapp", "inference", "ops"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAKING:
                    said = node.args[SPEAKING[node.func.id]]
                    if isinstance(said, ast.Constant) and isinstance(said.value, str):
                        found.add(said.value)
    return found


def sentences_of_templates() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "templates").rglob("*.*"):
        code = templatize(path.read_text("utf-8"), origin=str(path))
        for literal in re.findall(r"""gettext\(u?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", code):
            found.add(ast.literal_eval(literal))
        for literal in re.findall(r"""(?<!\w)_\(\s*("[^"]*"|'[^']*')\)""", code):
            found.add(ast.literal_eval(literal))
    return found


def test_nothing_is_untranslated_fuzzy_or_left_over(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue.untranslated_entries()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_the_compiled_catalogue_says_what_the_readable_one_says(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(CATALOGUE / "django.mo"))
    assert {(e.msgid, e.msgstr, str(e.msgstr_plural)) for e in compiled} == {
        (e.msgid, e.msgstr, str(e.msgstr_plural)) for e in catalogue
    }


def test_every_sentence_of_the_code_and_the_pages_is_in_the_catalogue(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue}
    code, templates = sentences_of_code(), sentences_of_templates()
    assert len(code) > 50
    assert len(templates) > 50
    assert code - known == set()
    assert {sentence.replace("%%", "%") for sentence in templates} - {k.replace("%%", "%") for k in known} == set()


def test_translations_keep_every_place_to_fill_in(catalogue: polib.POFile) -> None:
    def places(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", text))

    for entry in catalogue:
        said = entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr
        assert places(said) == places(entry.msgid_plural or entry.msgid), entry.msgid


def test_no_sentence_shouts_or_says_nin(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        said = entry.msgid + entry.msgstr + "".join(entry.msgstr_plural.values())
        assert not re.search(r"[!！您]", said), said
        assert not re.search("[\U0001f300-\U0001faff]", said), said


def test_one_word_for_one_thing(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        said = entry.msgstr + "".join(entry.msgstr_plural.values())
        assert [word for word in LEFT if word in said] == [], said


def test_a_text_a_night_and_a_node_fail_each_in_words_of_their_own() -> None:
    with translation.override("zh-hans"):
        assert str(Candidate.Status.FAILED.label) == "没有写成"
        assert str(TrainingRun.State.FAILED.label) == "失败"
        assert translation.gettext("could not load it") == "载入失败"


def test_english_is_what_the_code_says() -> None:
    with translation.override("en"):
        assert translation.gettext("Saved.") == "Saved."
    with translation.override("zh-hans"):
        assert translation.gettext("Saved.") == "已保存。"
