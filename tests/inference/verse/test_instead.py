"""Another line in the place of one: the poem keeps its form, and the line is another."""

import pytest

from inference.engines.fake.poet import tokens_of
from inference.errors import EngineError
from inference.request import Request, another_line
from inference.rest import rest_of
from inference.verse.forms import FORMS, conforms, draw
from inference.verse.shape import heads

CASES = [
    (form.name, language) for form in FORMS.values() for language in ("zh", "en") if form.language in {None, language}
]
USER = {"role": "user", "content": "湖"}


def asked(form: str, language: str, seed: int) -> tuple[dict[str, object], str]:
    """What a poem is held to, and such a poem."""
    held = draw(form, language, "湖", str(seed)).constraint()
    return held, "".join(tokens_of({"seed": seed, "constraint": held}, "湖", 300))


@pytest.mark.parametrize(("form", "language"), CASES)
def test_the_poem_keeps_its_form(form: str, language: str) -> None:
    for seed in range(8):
        held, poem = asked(form, language, seed)
        lines = poem.split("\n")
        for at in (at for at, line in enumerate(lines) if line and lines.count(line) == 1):
            swapped = {"seed": seed, "constraint": held | {"instead": {"poem": poem, "line": at}}}
            line = "".join(tokens_of(swapped, "湖", 300))
            assert line != lines[at]
            assert conforms(form, "\n".join([*lines[:at], line, *lines[at + 1 :]]), language)


def test_a_regulated_line_begins_otherwise_and_repeats_no_rhyme() -> None:
    held, poem = asked("wujue", "zh", 3)
    lines = poem.split("\n")
    messages, sampling = another_line([USER], {"max_tokens": 48, "constraint": held}, poem, 1, 9)
    rest = rest_of(Request(messages, sampling))
    assert lines[1][0] not in heads(rest.shape)
    written = lines[1].replace(lines[1][0], sorted(heads(rest.shape))[0], 1)[:4]
    for end in (lines[1][4], lines[3][4]):
        assert end not in heads(rest_of(Request(messages, sampling, written)).shape)


def test_the_model_goes_on_from_the_lines_before() -> None:
    held, poem = asked("qijue", "zh", 5)
    seen = [{"role": "system", "content": "诗人"}, USER]
    for at in range(4):
        messages, sampling = another_line(seen, {"max_tokens": 64, "constraint": held}, poem, at, 1)
        before = "".join(f"{line}\n" for line in poem.split("\n")[:at])
        assert messages == (seen if not at else [*seen, {"role": "assistant", "content": before}])
        assert sampling["constraint"]["instead"] == {"poem": poem, "line": at}


def test_what_has_not_its_form_is_refused() -> None:
    held, _ = asked("wujue", "zh", 1)
    messages, sampling = another_line([USER], {"max_tokens": 9, "constraint": held}, "一一一一一，\n二。", 0, 1)
    with pytest.raises(EngineError, match="form"):
        rest_of(Request(messages, sampling))
