"""Which engine made a result: a digest of the sources that decide about bits.

Comments, docstrings and layout do not count, so that better words do not make results old. Nor does the
version of Python.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import scenarios
import simulator

#: Digits of a digest that people are shown.
SHOWN_DIGITS = 8


@cache
def engine_digest() -> str:
    """Return a digest of the code of ``simulator`` and ``scenarios``, 24 hexadecimal digits."""
    return digest_of(Path(str(package.__file__)).parent for package in (simulator, scenarios))


def digest_of(folders: Iterable[Path]) -> str:
    """Return a digest of all Python code in some folders, whatever is said about it in words.

    Raises
    ------
    SyntaxError
        If a file is not Python.
    """
    digest = hashlib.blake2b(digest_size=12)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\n".encode())
            parts: list[str] = []
            _say(ast.parse(path.read_bytes()), parts)
            digest.update("\0".join(parts).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _say(node: object, parts: list[str]) -> None:
    """Append what a syntax tree says to some parts."""
    # ast.dump would differ between versions of Python, which have added fields that are mostly empty.
    if isinstance(node, ast.AST):
        parts.append(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != []:
                parts.append(name)
                _say(value, parts)
        parts.append(")")
    elif isinstance(node, list):
        parts.append("[")
        for item in node:
            if not _is_words(item):
                _say(item, parts)
        parts.append("]")
    else:
        parts.append(repr(node))


def _is_words(node: object) -> bool:
    """Return whether a statement is a mere string: a docstring."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
