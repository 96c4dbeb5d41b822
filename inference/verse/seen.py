"""The shape of what a model says of a photograph: one small JSON object (see inference.vision.seeing)."""

from string import ascii_lowercase

from inference.verse import shape
from inference.verse.characters import HAN
from inference.verse.shape import Shape

_WORDS = {
    "zh": shape.run(shape.one_of(HAN), 1, 6),
    "en": shape.row(shape.one_of(ascii_lowercase), shape.run(shape.one_of(ascii_lowercase + " "), 1, 17)),
}


def seen(language: str) -> Shape:
    """Three to five images; one word each for light, season and mood; two or three colours."""
    word = shape.row(shape.text('"'), _WORDS[language], shape.text('"'))
    more = shape.row(shape.text(","), word)
    imagery = shape.row(shape.text('{"imagery":['), word, shape.run(more, 2, 4), shape.text("]"))
    single = [part for name in ("light", "season", "mood") for part in (shape.text(f',"{name}":'), word)]
    colours = shape.row(shape.text(',"colours":['), word, shape.run(more, 1, 2), shape.text("]}"))
    return shape.row(imagery, *single, colours)
