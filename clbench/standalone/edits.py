"""Lines of a file with some of them left out and some words replaced."""

import ast
import re
import textwrap
from dataclasses import dataclass

from clbench.standalone.sources import Module


@dataclass(frozen=True)
class Edit:
    """The bytes of a file from start to end, and what stands there instead."""

    start: int
    end: int
    text: str = ""


def edited(read: Module, node: ast.stmt, edits: list[Edit]) -> str:
    """The lines of a statement, its decorators and the comments above it, after the edits."""
    found, place = b"", read.offset(first_line(read, node))
    outer = [one for one in set(edits) if not any(_holds(other, one) for other in edits)]
    for edit in sorted(outer, key=lambda edit: (edit.start, edit.end)):
        found += read.source[place : edit.start] + edit.text.encode()
        place = edit.end
    return _tidy((found + read.source[place : read.offset((node.end_lineno or 0) + 1)]).decode())


def without(read: Module, node: ast.stmt) -> Edit:
    """Leaves out a statement, its decorators and the comments above it."""
    return Edit(read.offset(first_line(read, node)), read.offset((node.end_lineno or 0) + 1))


def with_docstring(read: Module, node: ast.ClassDef, text: str) -> Edit:
    """Gives a class a docstring."""
    spot = read.offset(first_line(read, node.body[0]))
    body = textwrap.indent(text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"'), "    ").lstrip()
    return Edit(spot, spot, f'    """{body}{" " * body.endswith(chr(34))}"""\n\n')


def with_pass(read: Module, node: ast.ClassDef) -> Edit:
    """Gives a class without members a body."""
    spot = read.offset((node.end_lineno or 0) + 1)
    return Edit(spot, spot, "    pass\n")


def unwrapped(read: Module, node: ast.Subscript) -> list[Edit]:
    """The type in place of `Annotated[type, range]`."""
    assert isinstance(node.slice, ast.Tuple)
    inner = node.slice.elts[0]
    return [
        Edit(read.offset(node.lineno, node.col_offset), read.offset(inner.lineno, inner.col_offset)),
        Edit(
            read.offset(inner.end_lineno or 0, inner.end_col_offset or 0),
            read.offset(node.end_lineno or 0, node.end_col_offset or 0),
        ),
    ]


def first_line(read: Module, node: ast.stmt) -> int:
    """Of a statement, its decorators and the comments above it, but for those that head a section."""
    line = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    while line > 1 and re.match(rb"\s*#(?! ----)", read.lines[line - 2]):
        line -= 1
    return line


def _holds(other: Edit, edit: Edit) -> bool:
    """Whether another edit leaves out the place of this one."""
    if edit.start == edit.end:  # puts something there
        return other.start < edit.start < other.end
    inside = other.start <= edit.start and edit.end <= other.end
    return not other.text and inside and other.end - other.start > edit.end - edit.start


def _tidy(text: str) -> str:
    """Without notes for the type checker, heads of sections, and what deleted lines leave behind."""
    text = re.sub(r" *# type: ignore\[[^\]]*\] *(?=#|\n|$)", "  ", text)
    text = re.sub(r"^ *# ---- .*\n+", "", text, flags=re.MULTILINE)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip()
    return re.sub(r"\n{3,}", "\n\n", text)
