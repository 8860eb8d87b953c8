"""`clbench list`: what there is."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import Family, app
from clbench.errors import InputError
from clbench.facts import FAMILIES, OWN
from clbench.metrics.references import place_of
from clbench.profiles import PROFILES


class Kind(StrEnum):
    benchmarks = "benchmarks"
    strategies = "strategies"
    pairs = "pairs"
    profiles = "profiles"


@app.command("list")
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
    from rich.console import Console
    from rich.table import Table

    for one, rows in shown.items():
        table = Table(title=one.value, title_justify="left", box=None, pad_edge=False, header_style="dim")
        for column in rows[0]:
            table.add_column(column)
        for row in rows:
            table.add_row(*map(str, row.values()))
        Console().print(table, "")


def list_rows(kind: Kind) -> list[dict]:
    benchmarks = {name: entry for name, entry in registry.benchmarks().items() if not entry.hidden}
    if kind is Kind.benchmarks:
        return [{"name": name, "summary": entry.summary} for name, entry in benchmarks.items()]
    if kind is Kind.strategies:
        rows = [
            {
                "name": name,
                "family": registry.facts(name).family,
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


def _place(row: dict) -> tuple:
    """Where a strategy stands in the list: as in the tables of results."""
    family = (*FAMILIES, OWN).index(row["family"])
    return family, row["backend"] == "avalanche", place_of(row["name"]), row["name"]
