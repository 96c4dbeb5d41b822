"""A shape as a grammar that xgrammar reads, the library by which vLLM holds a model to it.

xgrammar makes an automaton of all of a regular expression: of a regulated verse of eight lines it did so for 10 to 25
seconds, and vLLM allows 5. Of a grammar it keeps one rule for each class of characters, and takes 0.1 s.
"""

from inference.verse.counted import Counted, Rules, Words, rule
from inference.verse.shape import Chars, Either, Row, Run, Shape

BIG = 8  # a class of more characters than this is a rule of its own


def ebnf(shape: Shape) -> str:
    """The shape, all of it, as the rule `root`."""
    sets: dict[str, str] = {}
    rules: Rules = {}
    root = _ebnf(shape, sets, rules)
    named = {name: pattern for pattern, name in sets.items()}
    named |= {name: body if isinstance(body, str) else _words(body) for name, body in rules.items()}
    return f"root ::= {root}\n" + "".join(f"{name} ::= {body}\n" for name, body in named.items())


def _words(words: Words) -> str:
    by_first = words.by_first().items()
    starts = (f'("{first}" | "{first.upper()}")' if words.opening else f'"{first}"' for first, _ in by_first)
    rests = (" | ".join(f'"{rest}"' for rest in rests) for _, rests in by_first)
    return " | ".join(f"{start} ({rest})" for start, rest in zip(starts, rests, strict=True))


def _ebnf(shape: Shape, sets: dict[str, str], rules: Rules) -> str:
    match shape:
        case Chars(members):
            bracketed = shape.pattern if shape.pattern.startswith("[") else f"[{shape.pattern}]"
            return sets.setdefault(bracketed, f"set{len(sets)}") if len(members) > BIG else bracketed
        case Run(part, least, most):
            return f"({_ebnf(part, sets, rules)}){{{least},{most}}}"
        case Row(parts):
            return " ".join(_ebnf(part, sets, rules) for part in parts) or '""'
        case Either(parts):
            return "(" + " | ".join(_ebnf(part, sets, rules) for part in parts) + ")"
        case Counted():
            return rule(shape, rules)
