"""`clbench list`: what there is."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import Family, app, print_warnings
from clbench.errors import InputError
from clbench.facts import FAMILIES, OWN, file_of, literals
from clbench.metrics.references import place_of
from clbench.profiles import OWN_PROFILES, PROFILES

EXAMPLES = """Examples:

  clbench list                                what there is, on one screen

  clbench list strategies --family replay     a line on each

  clbench list --json                         everything"""


class Kind(StrEnum):
    benchmarks = "benchmarks"
    strategies = "strategies"
    pairs = "pairs"
    profiles = "profiles"


@app.command("list", epilog=EXAMPLES)
def list_(
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind.")] = None,
    family: Annotated[Family | None, typer.Option(help="Only the strategies of this family.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Shows the benchmarks, strategies, pairs and profiles there are."""
    if family and kind and kind != Kind.strategies:
        raise InputError(f"--family is for strategies; {kind.value} have none")
    if family:
        kind = Kind.strategies
    print_warnings(registry.skipped())
    if not kind and not as_json:
        _print_all()
        return
    shown = {
        one: list_rows(one) for one in ([kind] if kind else [Kind.benchmarks, Kind.strategies, Kind.profiles])
    }
    if family:
        shown[Kind.strategies] = [row for row in shown[Kind.strategies] if row["family"] == family]
        if not shown[Kind.strategies] and not as_json:
            raise InputError(f"no strategy is of the family {family.value}")
    if as_json:
        print(json.dumps({kind.value: rows for kind, rows in shown.items()}, indent=1))
        return
    for one, rows in shown.items():
        _print_table(one.value, rows)


# ---- on one screen


def _print_all() -> None:
    """A line for each benchmark, family and profile; another library's rows are by themselves."""
    _print_table("", benchmark_lines())
    families: dict[str, list[str]] = {}
    for row in list_rows(Kind.strategies):
        name, library = row["name"], f"{row['backend']}_"
        theirs = name.startswith(library)
        families.setdefault(f"{library}…" if theirs else row["family"], []).append(name.removeprefix(library))
    ordered = sorted(families.items(), key=lambda item: item[0].endswith("…"))  # ours first
    _print_table("", [{"strategies": name, "": ", ".join(names)} for name, names in ordered])
    counts = {profile.seeds for name, profile in PROFILES.items() if name not in OWN_PROFILES}
    _print_table(
        "",
        [
            *(
                {"profile": name, "seeds": PROFILES[name].seeds, "": PROFILES[name].summary}
                for name in OWN_PROFILES
            ),
            {
                "profile": "published",
                "seeds": ", ".join(map(str, sorted(counts))),
                "": "settings of publications: clbench list profiles",
            },
        ],
    )
    print(
        "A benchmark is named with its scenario, like split_mnist_class. Go on with:\n"
        "clbench explain NAME · clbench list strategies --family replay · --json"
    )


def benchmark_lines() -> list[dict]:
    """A line for each benchmark, whatever its scenarios: their names, its tasks, its data."""
    lines: dict[tuple, dict] = {}
    for name, entry in registry.benchmarks().items():
        if entry.hidden:
            continue
        said = _said(entry)
        better = dict(entry.better)  # of another name for a benchmark with arguments
        scenario = next((one for one in said.get("scenarios", ()) if name.endswith(f"_{one}")), None)
        stem = name.removesuffix(f"_{scenario}") if scenario else name
        tasks = f"{better['count']} slices" if "count" in better else said.get("tasks_are", "–")
        line = lines.setdefault(
            (entry.module, stem),
            {
                "benchmark": stem,
                "scenarios": "",
                "tasks": tasks,
                "data": better["path"].split("/")[-1] if "path" in better else said.get("data_are", "–"),
            },
        )
        line["scenarios"] = f"{line['scenarios']} {scenario or said.get('scenario', '')}".strip()
    return list(lines.values())


def _said(entry: registry.Entry) -> dict:
    """What the class of a benchmark says in literals, read without importing it."""
    path = file_of(entry.module)
    try:
        return literals(path, entry.attribute) if path else {}
    except (OSError, SyntaxError, ValueError):  # another package's file that is no Python
        return {}


def _print_table(title: str, rows: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for column in rows[0]:
        table.add_column(column, no_wrap=column in ("benchmark", "scenarios"))
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(highlight=False).print(table, "")


# ---- in full


def list_rows(kind: Kind) -> list[dict]:
    """A row for each name of this kind."""
    benchmarks = {name: entry for name, entry in registry.benchmarks().items() if not entry.hidden}
    if kind is Kind.benchmarks:
        return [{"name": name, "summary": entry.summary} for name, entry in benchmarks.items()]
    if kind is Kind.strategies:
        rows = [
            {
                "name": name,
                "family": _family(name),
                "backend": entry.backend,
                "summary": entry.summary,
            }
            for name, entry in registry.strategies().items()
        ]
        return sorted(rows, key=_place)
    if kind is Kind.profiles:
        return [
            {
                "name": name,
                "seeds": profile.seeds,
                "--all takes": ", ".join(profile.selects),
                "summary": profile.summary,
            }
            for name, profile in PROFILES.items()
        ]
    return [
        {"benchmark": benchmark, "strategy": strategy}
        for benchmark in benchmarks
        for strategy in registry.strategies()
    ]


def _family(name: str) -> str:
    try:
        return registry.facts(name).family
    except InputError:  # a plug-in whose file is no Python
        return OWN


def _place(row: dict) -> tuple:
    """Where a strategy stands in the list: as in the tables of results."""
    family = (*FAMILIES, OWN).index(row["family"])
    return family, row["backend"] == "avalanche", place_of(row["name"]), row["name"]
