"""`clbench explain`: what a strategy or a benchmark is, takes and costs."""

import ast
import inspect
import io
import json
import textwrap
import tokenize
from dataclasses import MISSING, fields, is_dataclass
from itertools import takewhile
from typing import Annotated, Any

import typer

from clbench import registry
from clbench.cli.app import app
from clbench.cli.own_file import parts_and_benchmarks
from clbench.core import protocols, ranges, tuned
from clbench.errors import InputError
from clbench.execution.environment import prepare
from clbench.profiles import OWN_PROFILES, PROFILES
from clbench.results import folders
from clbench.spec import PAPER, VALUES, Term, parse, spelled, suggestion, written

EXAMPLES = """Examples:

  clbench explain er

  clbench explain split_mnist_class

  clbench explain er+lwf --json"""
BUDGET = ("epochs", "steps", "rows", "optimiser", "lr")  # what is shown of a profile's budget


@app.command(epilog=EXAMPLES)
def explain(
    name: Annotated[
        str, typer.Argument(help="A strategy or benchmark: name, spec like 'er+lwf', or file.py:Class.")
    ],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Says what a strategy or a benchmark is: its equation, its arguments, what it costs, its paper."""
    prepare()
    registry.use_tuned(folders.RESULTS)
    explained = [
        about_strategy(name) if _is_strategy(name) else about_benchmark(name) for name in _names(name)
    ]
    if as_json:
        print(json.dumps(explained, indent=1, ensure_ascii=False, default=repr))
        return
    print("\n\n".join("\n".join(_lines(one)) for one in explained))


# ---- which


def _names(text: str) -> list[str]:
    """The names in a spec, without arguments. Raises InputError for one that is not known."""
    if text.endswith(".py"):
        return [f"{text}:{name}" for name in parts_and_benchmarks(text)[1]]
    names = [term.name for term in parse(text)]
    for name in names:
        if ".py:" not in name and name not in registry.strategies() and not _first_of(name):
            known = [*registry.strategies(), *registry.benchmarks()]
            raise InputError(
                f'there is no strategy or benchmark "{name}"{suggestion(name, known)} '
                f"(`clbench list` shows them all)"
            )
    for term in parse(text):
        if term.arguments:
            _check_arguments(term)
    return names


def _check_arguments(term: Term) -> None:
    """Raises InputError for arguments that the strategy or benchmark does not take."""
    if term.name in registry.strategies():
        registry.strategy(written(term.name, term.arguments))
    elif first := _first_of(term.name):
        cls: Any = registry.load(registry.benchmarks()[first])
        registry.benchmark(written(first, term.arguments), next(iter(cls.profiles())))


def _is_strategy(name: str) -> bool:
    from clbench.core.benchmark import Benchmark

    if ".py:" not in name:
        return name in registry.strategies()
    return not issubclass(registry.own_class(name), Benchmark)


def _first_of(name: str) -> str | None:
    """The benchmark of this name, or the first of its scenarios: `clbench list` leaves them out."""
    known = registry.benchmarks()
    return name if name in known else next((one for one in known if one.startswith(f"{name}_")), None)


# ---- what is known


def about_strategy(name: str) -> dict[str, Any]:
    """What `--json` prints of a strategy. name: registered, or file.py:Class."""
    ((entry, _),) = registry.strategy(name).terms
    cls, facts = registry.load(entry), registry.facts(name)
    return {
        "name": name,
        "kind": "strategy",
        "family": facts.family,
        "backend": entry.backend,
        **_documented(cls),
        "arguments": arguments_of(cls),
        "paper": facts.paper,
        "keeps": facts.keeps or "only the network",
        "grows": facts.grows,
        "sees_all_data": facts.sees_all_data,
        "replays": bool(getattr(cls, "replays", False)),
        "tunes": facts.tunes,
        "tuned": _tuned(name),
        "published": _published(name),
    }


def about_benchmark(name: str) -> dict[str, Any]:
    """What `--json` prints of a benchmark. name: registered, with or without a scenario, or file.py:Class."""
    cls: Any
    if ".py:" in name:
        cls = registry.own_class(name)
    else:
        cls = registry.load(registry.benchmarks()[_first_of(name) or name])
    from clbench.core.budget import Budget

    return {
        "name": name,
        "kind": "benchmark",
        "scenarios": list(cls.scenarios) or [cls.scenario],
        "tasks": cls.tasks_are,
        "data": cls.data_are,
        **_documented(cls),
        "budgets": {
            profile: cls.of_budget(profile).settings() for profile in PROFILES if profile in cls.profiles()
        },
        "arguments": arguments_of(cls, _comments(Budget)),
    }


def _documented(cls: type) -> dict[str, str]:
    """The docstring of its file and its own, and the equations in them, which are indented."""
    module = inspect.getmodule(cls)
    own = "" if (cls.__doc__ or "").startswith(f"{cls.__name__}(") else cls.__doc__  # what a dataclass writes
    texts = (_without_indent(module.__doc__ if module else None, 0), _without_indent(own, 4))
    text = "\n\n".join(filter(None, texts))
    equations = [line for line in text.splitlines() if line.startswith("    ")]
    return {"about": text, "equation": textwrap.dedent("\n".join(equations))}


def _without_indent(docstring: str | None, spaces: int) -> str:
    """`inspect.cleandoc` would unindent a docstring that holds nothing but an equation."""
    first, _, rest = (docstring or "").partition("\n")
    lines = [line[spaces:] if line[:spaces].isspace() else line for line in rest.splitlines()]
    return "\n".join([first, *lines]).strip()


def arguments_of(cls: type, meanings: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """name, default, range and meaning of each field; those of the class itself come first.

    meanings: of fields that say nothing themselves."""
    if not is_dataclass(cls):
        return []
    kinds, comments = ranges.kinds_of(cls), (meanings or {}) | _comments(cls)
    own = cls.__dict__.get("__annotations__", {})
    found = sorted((field for field in fields(cls) if field.init), key=lambda field: field.name not in own)
    return [
        {
            "name": field.name,
            "default": None if field.default is MISSING else field.default,
            "takes": ranges.describe(kinds[field.name]),
            "about": comments.get(field.name, ""),
        }
        for field in found
    ]


def _comments(cls: type) -> dict[str, str]:
    """field -> the comment at its line, or the lines of one above it, in the class and its bases."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if not is_dataclass(one):
            continue
        source = textwrap.dedent(inspect.getsource(one))
        said = {
            token.start[0]: token.string.lstrip("# ")
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT and not token.string.startswith("# type:")
        }
        (tree,) = ast.parse(source).body
        for line in tree.body if isinstance(tree, ast.ClassDef) else []:
            if isinstance(line, ast.AnnAssign):
                above = _comment_above(source.splitlines()[: line.lineno - 1])
                if comment := said.get(line.end_lineno or 0) or above:
                    found[ast.unparse(line.target)] = comment
    return found


def _comment_above(lines: list[str]) -> str:
    """The last lines, as far as they are comments, as one."""
    found = list(takewhile(lambda line: line.lstrip().startswith("#"), reversed(lines)))
    return " ".join(line.strip().lstrip("# ") for line in reversed(found))


def _tuned(name: str) -> dict[str, dict[str, dict[str, Any]]]:
    """benchmark -> profile -> the values that replace the strategy's defaults there."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(tuned.FOLDER.glob("*.toml")):
        for scenario, profiles in tuned.read(path.stem).items():
            if scenario == "evidence":
                continue
            full = f"{path.stem}_{scenario}"
            benchmark = full if registry.is_benchmark(full) else path.stem
            for profile in filter(profiles.__contains__, OWN_PROFILES):
                table = profiles[profile].get(name, {})
                if values := tuned.arguments(table):
                    found.setdefault(benchmark, {})[profile] = values
    for benchmark, by_profile in tuned.all_of_user().items():
        for profile, tables in by_profile.items():
            if values := tuned.arguments(tables.get(name, {})):
                found.setdefault(benchmark, {})[profile] = values
    return found


def _published(name: str) -> dict[str, dict[str, dict[str, Any]]]:
    """benchmark -> published profile -> the values that replace the strategy's defaults there."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for profile in protocols.names():
        for stem in protocols.benchmarks_of(profile):
            for full, entry in registry.benchmarks().items():
                if entry.module != f"{protocols.BENCHMARKS}{stem}":
                    continue
                scenario = full.removeprefix(f"{stem}_")
                values = protocols.strategies_of(registry.load(entry), profile, scenario).get(name)
                if values:
                    found.setdefault(full, {})[profile] = values
    return found


# ---- in words


def _lines(one: dict[str, Any]) -> list[str]:
    """What is printed of a strategy or benchmark."""
    if one["kind"] == "strategy":
        head = f"{one['name']}: a strategy, {one['family']}, {one['backend']}"
        foot = [
            f"paper    {one['paper'] or '–'}",
            f"keeps    {one['keeps']}" + (f"; {one['grows']}" if one["grows"] else ""),
            f"reads    {_reads(one)}",
        ]
        if any(argument["name"] == "memory" for argument in one["arguments"]):
            foot.append("memory   is the benchmark's own unless it is given here")
        foot += [f"tunes    {_ranges(one['tunes'])}"] if one["tunes"] else []
        foot += _tuned_lines(one["tuned"])
        if one["tuned"]:
            foot.append(
                f"paper's  defaults, those above, also there: {written(one['name'], {VALUES: PAPER})}"
            )
        foot += [
            f"{profile} has {spelled(values)} on {benchmark}"
            for benchmark, own in one["published"].items()
            for profile, values in own.items()
        ]
    else:
        head = f"{one['name']}: a benchmark, scenarios {', '.join(one['scenarios'])}"
        foot = [f"tasks    {one['tasks'] or '–'}", f"data     {one['data'] or '–'}"]
        foot += [
            f"{profile:8} {spelled({name: budget[name] for name in BUDGET if name in budget})}"
            for profile, budget in one["budgets"].items()
        ]
    return [head, "", one["about"], "", *_arguments(one["arguments"]), "", *foot]


def _tuned_lines(found: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """A line for each set of values: where it holds."""
    places: dict[str, dict[str, list[str]]] = {}
    for benchmark, profiles in found.items():
        for profile, values in profiles.items():
            places.setdefault(spelled(values), {}).setdefault(benchmark, []).append(profile)
    return [
        f"tuned    {values} on "
        + ", ".join(
            name + ("" if len(profiles) == len(OWN_PROFILES) else f" ({', '.join(profiles)})")
            for name, profiles in where.items()
        )
        for values, where in places.items()
    ]


def _ranges(tunes: dict[str, tuple]) -> str:
    """What `clbench tune` chooses from."""
    return ", ".join(
        f"{name} from {scale[0]:g} to {scale[1]:g}, {scale[2]}"
        if scale[-1] in ("log", "linear")
        else f"{name} of {', '.join(map(repr, scale))}"
        for name, scale in tunes.items()
    )


def _reads(strategy: dict[str, Any]) -> str:
    if strategy["sees_all_data"]:
        return "all data so far: a reference, no competitor"
    return f"the current task{' and, in each step, stored examples' if strategy['replays'] else ''}"


def _arguments(arguments: list[dict[str, Any]]) -> list[str]:
    if not arguments:
        return ["no arguments"]
    lines = []
    for one in arguments:
        lines.append(f"  {one['name']}={one['default']!r}" + (f": {one['about']}" if one["about"] else ""))
        lines.append(f"      {one['takes']}")
    return ["arguments", *lines]
