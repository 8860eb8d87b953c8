"""`clbench check` and `clbench baseline accept`: the gate."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli.app import (
    SMOKE,
    Baselines,
    Benchmarks,
    Device,
    ProfileName,
    Results,
    SomeResults,
    Strategies,
    Workers,
    app,
    import_execution,
    matching_records,
    print_warnings,
)
from clbench.errors import InputError
from clbench.results import files as writing
from clbench.results import folders

baseline_app = typer.Typer(
    no_args_is_help=True, help="The accepted numbers that `clbench check` compares with."
)

app.add_typer(baseline_app, name="baseline")


class Format(StrEnum):
    text = "text"
    markdown = "markdown"
    github = "github"


@app.command()
def check(
    profile: Annotated[ProfileName, typer.Option(help="Which baselines.")] = SMOKE,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: SomeResults = None,
    baselines: Baselines = Path("baselines"),
    format_: Annotated[
        Format, typer.Option("--format", help="github: annotations for a workflow.")
    ] = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for what has improved.")] = False,
    device: Device = "auto",
    workers: Workers = None,
) -> None:
    """Runs the baseline's pairs afresh and compares: exit 0 fine, 1 something got worse, 3 undecided."""
    from clbench.results import baselines as checking
    from clbench.results import records

    if results:
        current, problems = records.load(results, profile)
        print_warnings(problems)
    else:
        asked = checking.load_baselines(baselines, profile)
        wanted = {
            pair: entry["seeds"]
            for pair, entry in asked.items()
            if registry.pair_matches(*pair, profile, benchmark, strategy)
        }
        if not wanted:
            raise InputError(f"no pair of the baselines in {baselines} matches")
        current = _run_afresh(wanted, profile, device, workers)
    verdicts = checking.check(current, baselines, profile, benchmark, strategy)
    print("\n".join(checking.lines(verdicts, format_.value)))
    raise typer.Exit(checking.exit_status(verdicts, strict))


def _run_afresh(wanted: dict, profile: str, device: str, workers: int | None) -> list:
    """Records of these pairs with the baseline's seeds, made now and kept in memory."""
    executing = import_execution()
    from clbench.cli import screen as terminal
    from clbench.execution import plan as planning
    from clbench.execution.devices import choose_device, default_workers

    device, screen = choose_device(device), terminal.Screen(to_stderr=True)
    plan = planning.Plan.joined(
        [
            planning.make_plan([benchmark], [strategy], profile, seeds or None, None)
            for (benchmark, strategy), seeds in wanted.items()
        ]
    )
    jobs = planning.jobs(plan, device)
    workers = default_workers(device) if workers is None else workers
    screen.announce(plan, jobs, profile, device, workers)
    with screen.progress(plan, jobs) as on_done:
        finished = executing.execute(plan, jobs, None, workers=workers, on_done=on_done)
    if finished.interrupted:
        raise KeyboardInterrupt
    return list(finished.records.values())


@baseline_app.command("accept")
def accept(
    profile: Annotated[ProfileName, typer.Option(help="Which profile.")] = SMOKE,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = folders.RESULTS,
    baselines: Baselines = Path("baselines"),
) -> None:
    """Makes what is in the results folder the numbers that `clbench check` compares with."""
    from clbench.results import baselines as checking
    from clbench.results import records

    writing.check_writable(baselines)
    found, problems = records.load(results, profile)
    print_warnings(problems)
    for path in checking.accept(matching_records(found, results, benchmark, strategy), baselines, profile):
        print(path)
