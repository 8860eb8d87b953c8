"""The text of a script, of the definitions that are kept: their own lines, without what nothing reaches."""

import ast
import builtins
import re
import textwrap
from dataclasses import dataclass

from clbench.errors import InputError
from clbench.standalone.closure import Closure, Kept, meaning, order_of, type_within
from clbench.standalone.names import Use, is_ours
from clbench.standalone.sources import Definition, Library, Module, module, resolve

WIDTH = 110


@dataclass(frozen=True)
class Edit:
    """Bytes of a file, from start to end, and what stands there instead."""

    start: int
    end: int
    text: str = ""


class Writer:
    """Writes the definitions of a closure, with the names that they have in one file."""

    def __init__(self, closure: Closure, docstrings: set[tuple[str, str]], taken: set[str]) -> None:
        """docstrings: classes that take their module's. taken: names that the rest of the script uses."""
        self.closure, self.docstrings = closure, docstrings
        self.modules = order_of(list(dict.fromkeys(key[0] for key in closure.kept)))
        self.libraries = self._libraries()
        self.names = self._names(taken | set(self.libraries) | set(dir(builtins)))

    # ---- names

    def _libraries(self) -> dict[str, str]:
        """local name -> how it is imported. Raises InputError where two modules mean different things."""
        found: dict[str, str] = {}
        for kept in self.closure.kept.values():
            for use in kept.uses:
                one = meaning(kept.definition, use)
                if isinstance(one, Library) and found.setdefault(use.name, one.statement) != one.statement:
                    raise InputError(
                        f"cannot be exported: {use.name} is {found[use.name]} and {one.statement}"
                    )
        return found

    def _names(self, taken: set[str]) -> dict[tuple[str, str], str]:
        """Where each definition stands -> its name in the script."""
        found: dict[tuple[str, str], str] = {}
        others = self._other_names()
        for name in self.modules:
            for kept in self._of(name):
                for own in kept.definition.names:
                    chosen = others.get((name, own), own)
                    if own in taken:
                        stem = module(name).stem
                        chosen = f"{own}_OF_{stem.upper()}" if own.isupper() else f"{own}_of_{stem}"
                    taken.add(chosen)
                    found[name, own] = chosen
        return found

    def _other_names(self) -> dict[tuple[str, str], str]:
        """Of what is imported by another name, this one: its own may be that of something local there."""
        return {
            found.key: use.name
            for kept in self.closure.kept.values()
            for use in kept.uses
            if isinstance(found := resolve(kept.definition.module, use.name), Definition)
            and use.name not in found.names
        }

    def _of(self, name: str) -> list[Kept]:
        """The definitions of a module, in its order."""
        own = [kept for key, kept in self.closure.kept.items() if key[0] == name]
        return sorted(own, key=lambda kept: kept.definition.node.lineno)

    # ---- text

    def imports(self, more: list[str]) -> str:
        """The import lines of all libraries. more: further statements."""
        plain, from_where = set(), {}
        for statement in [*self.libraries.values(), *more]:
            if statement.startswith("import "):
                plain.add(statement)
            else:
                place, name = statement.removeprefix("from ").split(" import ")
                from_where.setdefault(place, set()).add(name)
        lines = [
            *plain,
            *(f"from {place} import {', '.join(sorted(names))}" for place, names in from_where.items()),
        ]
        return "\n".join(
            sorted(lines, key=lambda line: (line.split()[1].split(".")[0] in ("torch", "numpy"), line))
        )

    def stand_ins(self) -> str:
        """A line for the types of annotations that stand for nothing here."""
        names = [name for name in self.closure.stand_ins if name not in self.names.values()]
        return f"{' = '.join(sorted(names))} = Any  # types that only annotations name" if names else ""

    def sections(self) -> list[str]:
        """A section for each module."""
        return [self._section(name) for name in self.modules]

    def _section(self, name: str) -> str:
        read = module(name)
        pieces, told = [], False
        for kept in self._of(name):
            docstring = read.docstring if kept.definition.key in self.docstrings else ""
            told = told or bool(docstring)
            pieces.append((kept.definition, self._text(read, kept, docstring)))
        title = read.name.removesuffix(".py").replace("/", ".").split(".")[-1]
        head = f"# ---- {title} ".ljust(WIDTH, "-")
        if not told:
            first = " ".join(read.docstring.split("\n\n")[0].split())
            head += "\n" + textwrap.fill(first, WIDTH, initial_indent="# ", subsequent_indent="# ")
        text, before = head, ""
        for definition, own in pieces:
            kind = "line" if isinstance(definition.node, ast.Assign | ast.AnnAssign) else "block"
            text += (
                "\n"
                if kind == before == "line"
                else "\n\n"
                if not before or kind == "line" == before
                else "\n\n\n"
            ) + own
            before = kind
        return text

    def _text(self, read: Module, kept: Kept, docstring: str) -> str:
        """A definition's own lines."""
        starts = _starts(read)
        node = kept.definition.node
        start, end = starts[_first_line(read, node) - 1], starts[node.end_lineno or 0]
        edits = [*self._deletions(read, kept, starts), *self._replacements(read, kept, starts)]
        if docstring:
            edits.append(_docstring(read, node, docstring, starts))
        elif isinstance(node, ast.ClassDef) and len(kept.statements) == 1:
            edits.append(Edit(end, end, "    pass\n"))
        edits = [edit for edit in edits if not any(_holds(other, edit) for other in edits)]
        found, place = b"", start
        for edit in sorted(set(edits), key=lambda edit: (edit.start, edit.end)):
            found += read.source[place : edit.start] + edit.text.encode()
            place = edit.end
        return _tidy((found + read.source[place:end]).decode())

    def _deletions(self, read: Module, kept: Kept, starts: list[int]) -> list[Edit]:
        gone: list[ast.stmt] = [*kept.dead]
        gone += [one for one in kept.definition.members if id(one) not in kept.statements]
        gone += [
            one
            for one in ast.walk(kept.definition.node)
            if isinstance(one, ast.Import | ast.ImportFrom) and is_ours(one)
        ]
        return [_lines(read, one, starts) for one in gone]

    def _replacements(self, read: Module, kept: Kept, starts: list[int]) -> list[Edit]:
        """Names by those that they have in the script, and `Annotated[type, range]` by the type."""
        found = []
        definition = kept.definition
        for use in kept.uses:
            found += self._replacement(read, definition, use, starts)
        for names in kept.statements.values():
            for one in names.annotated:
                assert isinstance(one.slice, ast.Tuple)
                inner = one.slice.elts[0]
                spots = [
                    starts[line - 1] + column
                    for line, column in (
                        (one.lineno, one.col_offset),
                        (inner.lineno, inner.col_offset),
                        (inner.end_lineno or 0, inner.end_col_offset or 0),
                        (one.end_lineno or 0, one.end_col_offset or 0),
                    )
                ]
                found += [Edit(spots[0], spots[1]), Edit(spots[2], spots[3])]
        renamed = self.names.get(definition.key)
        if renamed and renamed != definition.names[0]:
            line = definition.node.lineno
            spot = read.source.index(definition.names[0].encode(), starts[line - 1])
            found.append(Edit(spot, spot + len(definition.names[0].encode()), renamed))
        return found

    def _replacement(self, read: Module, definition: Definition, use: Use, starts: list[int]) -> list[Edit]:
        found = meaning(definition, use)
        if not isinstance(found, Definition):
            return []
        if (plain := type_within(found)) and use.annotation:
            return [
                Edit(starts[use.line - 1] + use.start, starts[use.line - 1] + use.end, ast.unparse(plain))
            ]
        if found.key not in self.closure.kept:
            return []
        written = use.attribute if use.attribute and use.name not in _defined(definition, use) else use.name
        own = written if written in found.names else found.names[0]
        name = self.names[found.module, own]
        is_of_module = use.attribute is not None and written == use.attribute
        if name == use.name and not is_of_module:
            return []
        start = starts[use.line - 1] + use.start
        end = starts[use.line - 1] + ((use.end_of_attribute or 0) if is_of_module else use.end)
        if read.source[starts[use.line - 1] + use.start :][: use.end - use.start] != use.name.encode():
            raise InputError(f"cannot be exported: {read.name}, line {use.line}, names {use.name} in a text")
        return [Edit(start, end, name)]


def _defined(definition: Definition, use: Use) -> set[str]:
    """The name, if it is that of a definition and not of a module."""
    return {use.name} if isinstance(resolve(definition.module, use.name), Definition) else set()


def _starts(read: Module) -> list[int]:
    """Where each line begins, and one more for the end."""
    starts = [0]
    for line in read.lines:
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _first_line(read: Module, node: ast.stmt) -> int:
    """The first line of a statement, its decorators and the comments above it."""
    decorators = getattr(node, "decorator_list", [])
    line = min([node.lineno, *(one.lineno for one in decorators)])
    while (
        line > 1
        and read.lines[line - 2].lstrip().startswith(b"#")
        and not read.lines[line - 2].lstrip().startswith(b"# ----")
    ):
        line -= 1
    return line


def _lines(read: Module, node: ast.stmt, starts: list[int]) -> Edit:
    return Edit(starts[_first_line(read, node) - 1], starts[node.end_lineno or 0])


def _docstring(read: Module, node: ast.stmt, text: str, starts: list[int]) -> Edit:
    """The module's docstring as that of a class."""
    assert isinstance(node, ast.ClassDef)
    spot = starts[_first_line(read, node.body[0]) - 1]
    body = textwrap.indent(text, "    ").lstrip()
    return Edit(spot, spot, f'    """{body}"""\n\n')


def _holds(other: Edit, edit: Edit) -> bool:
    """Whether another edit deletes the place of this one."""
    if edit.start == edit.end:  # puts something there
        return other.start < edit.start < other.end
    inside = other.start <= edit.start and edit.end <= other.end
    return not other.text and inside and other.end - other.start > edit.end - edit.start


def _tidy(text: str) -> str:
    """Without what is left of deleted lines."""
    text = re.sub(r" *# type: ignore\[[^\]]*\] *(?=#|\n|$)", "  ", text)
    text = re.sub(r"[ \t]+\n", "\n", text).rstrip()
    text = re.sub(r"^ *# ---- .*\n+", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)
