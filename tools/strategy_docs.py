"""Writes docs/strategies.md from the docstrings and fields of all strategies, for `make docs`."""

import ast
import importlib.util
from pathlib import Path

from clbench import registry, spec
from clbench.core import ranges
from clbench.facts import FAMILIES, Facts
from clbench.metrics.references import place_of

PAGE = Path(__file__).parent.parent / "docs" / "strategies.md"
START = """# Strategies

Written by `make docs` from the docstrings: each method's equation, which variant it is, how it differs from
its paper, what it costs. `clbench list strategies` shows them in short; `-s 'name(argument=value)'` sets an
argument. The families are those of Wang et al. 2024; Avalanche's implementations stand behind the native
ones.
"""


def page() -> str:
    """The text of the page: a section for each family, with a table and a section for each strategy."""
    text = START
    facts = {entry: registry.facts(entry.name) for entry in registry.strategies().values()}
    for family in FAMILIES:
        own = sorted((entry for entry in facts if facts[entry].family == family), key=place)
        if own:
            text += f"\n## {family.capitalize()}\n\n" + summary({entry: facts[entry] for entry in own})
            text += "".join(map(section, own))
    return text


def place(entry: registry.Entry) -> tuple:
    """Where a strategy stands in its family: as in the tables of results."""
    return entry.backend == "avalanche", place_of(entry.name), entry.name


def summary(facts: dict[registry.Entry, Facts]) -> str:
    """The strategies of a family as a table: paper, and what is kept between tasks besides the network."""
    rows = [f"| `{entry.name}` | {its.paper or '–'} | {its.keeps or '–'} |\n" for entry, its in facts.items()]
    return "| strategy | paper | keeps |\n| --- | --- | --- |\n" + "".join(rows)


def section(entry: registry.Entry) -> str:
    """The section of one strategy: its name, its docstring with equations as code, and its arguments."""
    # The docstring as it stands: cleaning would unindent one that holds nothing but an equation.
    text = ast.get_docstring(ast.parse(source_of(entry.module)), clean=False)
    cls = registry.load(entry)
    kinds, lines = ranges.kinds_of(cls), lines_of_fields(cls)
    arguments = "\n".join(f"    {argument(*lines[name], kinds)}" for name in spec.defaults_of(cls))
    page = f"\n### {entry.name}\n\n{set_off_equations(text)}\n"
    return page + (f"\nArguments:\n\n{arguments}\n" if arguments else "")


def source_of(module: str) -> str:
    return Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")


def lines_of_fields(cls: type) -> dict[str, tuple[ast.AnnAssign, str]]:
    """name -> (syntax, line of the source) of the fields in the bodies of a class and its bases."""
    found = {}
    for base in reversed(cls.__mro__[:-1]):
        source = source_of(base.__module__)
        body = next(
            node.body
            for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef) and node.name == base.__name__
        )
        fields = [line for line in body if isinstance(line, ast.AnnAssign)]
        found |= {field.target.id: (field, source.splitlines()[field.lineno - 1]) for field in fields}
    return found


def argument(field: ast.AnnAssign, line: str, kinds: dict) -> str:
    """`memory = 500  # examples kept: a whole number from 1 to …`: name, default, comment, range."""
    name = ast.unparse(field.target)
    _, _, comment = line.partition("  # ")
    about = ": ".join(filter(None, (comment, ranges.describe(kinds[name]))))
    return f"{name} = {ast.unparse(field.value)}  # {about}"


def set_off_equations(text: str) -> str:
    """The docstring with a blank line wherever an indented equation begins or ends, as Markdown wants it."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1] and line and line.startswith("    ") != lines[-1].startswith("    "):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
