"""Writes docs/strategies.md from the docstrings and fields of all strategies, for `make docs`."""
import ast
import importlib.util
from pathlib import Path

from clbench import registry

PAGE = Path(__file__).parent.parent / "docs" / "strategies.md"
START = """# Strategies

Written by `make docs` from the docstrings: each method's equation, which variant it is, how it differs from
its paper, what it costs. `clbench list strategies` shows them in short; `-s 'name(argument=value)'` sets an
argument.
"""


def page() -> str:
    """The text of the page: a section for each strategy, first ours, then Avalanche's."""
    text = START
    for title, backend in (("Native", "native"), ("Avalanche's", "avalanche")):
        entries = [entry for entry in registry.strategies().values() if entry.backend == backend]
        text += f"\n## {title}\n" + "".join(map(section, entries))
    return text


def section(entry: registry.Entry) -> str:
    """The section of one strategy: its name, its docstring with equations as code, and its arguments."""
    path = Path(importlib.util.find_spec(entry.module).origin)
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    cls = next(node for node in classes if entry.attribute in (None, node.name))
    # A module's docstring is left as it is: cleaning would unindent one that is a mere equation.
    text = ast.get_docstring(tree, clean=False) if entry.attribute is None else ast.get_docstring(cls)
    fields = [line for line in cls.body if isinstance(line, ast.AnnAssign)]
    lines = source.splitlines()
    arguments = "\n".join(f"    {lines[field.lineno - 1].strip()}" for field in fields)
    page = f"\n### {entry.name}\n\n{set_off_equations(text)}\n"
    return page + (f"\nArguments:\n\n{arguments}\n" if arguments else "")


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
