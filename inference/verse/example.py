"""The example of free verse that the model is shown is to be learnt from, not to be said again."""

from inference.verse import shape
from inference.verse.shape import Shape
from inference.voices import VOICES

LETTERS = {"zh": 1, "en": 7}  # what tells a line's beginning from others; the Chinese lines begin with rare characters


def unlike(language: str, line: Shape) -> Shape:
    """The line, begun otherwise than those of the example: a small model says them whatever it is asked about."""
    ((_, text),) = VOICES["free", language].examples
    return shape.unlike(line, [each[: LETTERS[language]] for each in text.split("\n")])
