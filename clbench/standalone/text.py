"""The text of a script, of the definitions that are kept: their own lines, without what nothing reaches."""

import ast
import builtins
import textwrap

from clbench.errors import InputError
from clbench.standalone.closure import Closure, Kept, meaning, type_within
from clbench.standalone.edits import Edit, edited, unwrapped, with_docstring, with_pass, without
from clbench.standalone.names import Use, is_ours
from clbench.standalone.sources import Definition, Library, Module, module, order_of, resolve

WIDTH = 110


class Writer:
    """Writes the definitions of a closure, with the names that they have in one file."""

    def __init__(self, closure: Closure, documented: set[tuple[str, str]], taken: set[str]) -> None:
        """documented: classes that their module's docstring tells of. taken: names in the rest of the
        script."""
        self.closure, self.documented = closure, documented
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
                        f"cannot be exported: {use.name} is `{found[use.name]}` and `{one.statement}`"
                    )
        return found

    def _names(self, taken: set[str]) -> dict[tuple[str, str], str]:
        """(module, name) of each definition -> its name in the script."""
        found: dict[tuple[str, str], str] = {}
        others = self._other_names()
        for name in self.modules:
            for kept in self._of(name):
                for own in kept.definition.names:
                    chosen = others.get((name, own), own)
                    if chosen in taken:
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
        """The import lines of all libraries, those of torch and numpy last. more: further statements."""
        plain: set[str] = set()
        members: dict[str, set[str]] = {}
        for statement in [*self.libraries.values(), *more]:
            if statement.startswith("import "):
                plain.add(statement)
            else:
                place, name = statement.removeprefix("from ").split(" import ")
                members.setdefault(place, set()).add(name)
        lines = [f"from {place} import {', '.join(sorted(names))}" for place, names in members.items()]
        own = [line for line in (*plain, *lines) if line.split()[1].split(".")[0] in ("numpy", "torch")]
        return "\n".join([*sorted({*plain, *lines} - {*own}), *sorted(own)])

    def stand_ins(self) -> str:
        """A line for the types of annotations that stand for nothing here."""
        names = [name for name in self.closure.stand_ins if name not in self.names.values()]
        return f"{' = '.join(sorted(names))} = Any  # types that only annotations name" if names else ""

    def sections(self) -> list[str]:
        """A section for each module."""
        return [self._section(module(name)) for name in self.modules]

    def _section(self, read: Module) -> str:
        text, before = self._head(read), ""
        for kept in self._of(read.name):
            kind = "block" if isinstance(kept.definition.node, ast.ClassDef | ast.FunctionDef) else "line"
            gap = 3 if before and kind == "block" or before == "block" else 1 if kind == before else 2
            text += "\n" * gap + self._text(read, kept)
            before = kind
        return text

    def _head(self, read: Module) -> str:
        """What the module is about, unless the docstring of a class tells."""
        head = f"# ---- {read.stem} ".ljust(WIDTH, "-")
        told = [kept.definition for kept in self._of(read.name) if kept.definition.key in self.documented]
        if told:
            lines = [] if not any(map(_docstring_of, told)) else read.docstring.splitlines()
        else:
            lines = textwrap.wrap(read.docstring.split("\n\n")[0], WIDTH - 2)
        return "\n".join([head, *(f"# {line}".rstrip() for line in lines)])

    def _text(self, read: Module, kept: Kept) -> str:
        """A definition's own lines."""
        definition, edits = kept.definition, self._replacements(read, kept)
        node = definition.node
        gone = [*kept.dead, *(one for one in definition.members if id(one) not in kept.statements)]
        gone += [one for one in ast.walk(node) if isinstance(one, ast.stmt) and is_ours(one)]
        edits += [without(read, one) for one in gone]
        if isinstance(node, ast.ClassDef):
            told = definition.key in self.documented and not _docstring_of(definition)
            if told and read.docstring:
                edits.append(with_docstring(read, node, read.docstring))
            elif len(kept.statements) == 1:
                edits.append(with_pass(read, node))
        return edited(read, node, edits)

    def _replacements(self, read: Module, kept: Kept) -> list[Edit]:
        """Names by those that they have in the script, and types with a range by the types."""
        definition = kept.definition
        found = [one for use in kept.uses for one in self._replacement(read, definition, use)]
        for names in kept.statements.values():
            found += [edit for one in names.annotated for edit in unwrapped(read, one)]
        old, new = definition.names[0], self.names[definition.key]
        if new != old:
            start = read.source.index(old.encode(), read.offset(definition.node.lineno))
            found.append(Edit(start, start + len(old.encode()), new))
        return found

    def _replacement(self, read: Module, definition: Definition, use: Use) -> list[Edit]:
        found, start = meaning(definition, use), read.offset(use.line, use.start)
        if not isinstance(found, Definition):
            return []
        if (plain := type_within(found)) and use.annotation:
            return [Edit(start, read.offset(use.line, use.end), ast.unparse(plain))]
        if found.key not in self.closure.kept:
            return []
        of_module = not isinstance(resolve(definition.module, use.name), Definition)  # `batch.take`
        written = use.attribute if of_module and use.attribute else use.name
        name = self.names[found.module, written if written in found.names else found.names[0]]
        if name == use.name and not of_module:
            return []
        if read.source[start : read.offset(use.line, use.end)] != use.name.encode():
            raise InputError(f"cannot be exported: {read.name}, line {use.line}, has {use.name} in a text")
        end = use.end_of_attribute if of_module and use.end_of_attribute else use.end
        return [Edit(start, read.offset(use.line, end), name)]


def _docstring_of(definition: Definition) -> str | None:
    return ast.get_docstring(definition.node) if isinstance(definition.node, ast.ClassDef) else None
