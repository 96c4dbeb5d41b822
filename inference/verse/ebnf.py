"""A shape as a grammar that xgrammar reads, the library by which vLLM holds a model to it.

xgrammar makes an automaton of all of a regular expression: of a regulated verse of eight lines it did so for 10 to 25
seconds, and vLLM allows 5. Of a grammar it keeps one rule for each class of characters, and takes 0.1 s.
"""

from inference.verse.shape import Chars, Either, Row, Run, Shape

BIG = 8  # a class of more characters than this is a rule of its own


def ebnf(shape: Shape) -> str:
    """The shape, all of it, as the rule `root`."""
    rules: dict[str, str] = {}
    root = _ebnf(shape, rules)
    return f"root ::= {root}\n" + "".join(f"{name} ::= {pattern}\n" for pattern, name in rules.items())


def _ebnf(shape: Shape, rules: dict[str, str]) -> str:
    match shape:
        case Chars(pattern, members):
            bracketed = pattern if pattern.startswith("[") else f"[{pattern}]"
            return rules.setdefault(bracketed, f"set{len(rules)}") if len(members) > BIG else bracketed
        case Run(part, least, most):
            return f"({_ebnf(part, rules)}){{{least},{most}}}"
        case Row(parts):
            return " ".join(_ebnf(part, rules) for part in parts) or '""'
        case Either(parts):
            return "(" + " | ".join(_ebnf(part, rules) for part in parts) + ")"
