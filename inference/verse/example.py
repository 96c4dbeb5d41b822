"""The examples that the model is shown are to be learnt from, not to be said again; nor what it says of any morning."""

from inference.verse import shape
from inference.verse.shape import Shape
from inference.voices import VOICES

# What tells a line's beginning from others, where examples are copied; the Chinese one begins with rare characters.
LETTERS = {("free", "zh"): 1, ("free", "en"): 7}
COPIED = {  # where only one line is, or the line with another word in it
    ("haiku", "zh"): ("谁也没", "谁还没"),
    ("free", "en"): ("slap", "Slap", "of the rope"),
}
# 春暖花开, 鸟语花香, 让人心旷神怡, 夜幕降临, 夜色降临, 微风轻轻吹过, 照亮了整个世界; and what explains the poem
ANY_MORNING = {
    "zh": ("春暖", "鸟语", "让人心", "夜幕", "夜色降", "微风轻", "照亮了", "这是一首", "这首诗"),
    "en": ("This poem", "This is a poem", "The poem"),
}


def beginnings(form: str, language: str) -> frozenset[str]:
    """How no line of this form begins."""
    letters = LETTERS.get((form, language), 0)
    lines = [line for _, text in VOICES[form, language].examples for line in text.split("\n") if letters]
    copied = COPIED.get((form, language), ())
    return frozenset(line[:letters] for line in lines).union(copied, ANY_MORNING[language])


def unlike(form: str, language: str, line: Shape) -> Shape:
    """The line, begun otherwise than a small model begins one whatever it is asked about."""
    return shape.unlike(line, beginnings(form, language))
