"""`clbench check` and `clbench baseline accept`: the gate."""

import os
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from clbench import registry
from clbench.cli.app import (
    SMOKE,
    Baselines,
    Benchmarks,
    Device,
    Margin,
    ProfileName,
    Results,
    SomeResults,
    Strategies,
    Workers,
    app,
    check_margin,
    import_execution,
    matching_records,
    print_warnings,
)
from clbench.core.paths import check_writable, check_writable_file
from clbench.errors import InputError
from clbench.results import files as writing
from clbench.results import folders

baseline_app = typer.Typer(
    no_args_is_help=True, help="The accepted numbers that `clbench check` compares with."
)

app.add_typer(baseline_app, name="baseline")

MARGIN, BASELINES = 2.0, Path("baselines")


class Format(StrEnum):
    text = "text"
    markdown = "markdown"
    github = "github"


@app.command(
    epilog="""Examples:

  clbench check                                    the baselines' pairs, run afresh, against baselines/

  clbench check --against main                     the same pairs by both commits, here: for what is proposed

  clbench check --against HEAD~1 -b split_digits_class -s er -s ewc --until-decided 20m

  clbench check --claims mine.toml --results results     does what you claim hold on these records?"""
)
def check(
    profile: Annotated[
        ProfileName | None, typer.Option(help="Which baselines. Default: smoke; of --claims quick and full.")
    ] = None,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", help="Judge the claims in this file on stored records, without running."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Git revision whose code is run beside today's, in place of the baselines."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="With --against: seeds 0 to N-1. Default: the baseline's.")
    ] = None,
    until_decided: Annotated[
        str | None,
        typer.Option(
            help="With --against: adds seeds to both sides while a pair is undecided, so long (90s, 20m, 2h)."
        ),
    ] = None,
    margin: Margin = MARGIN,
    results: SomeResults = None,
    baselines: Baselines = BASELINES,
    format_: Annotated[
        Format,
        typer.Option("--format", help="github: annotations for a workflow, and its job summary in Markdown."),
    ] = Format.text,
    junit: Annotated[Path | None, typer.Option(help="Write a test report for CI into this file.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 also for what has improved; --against always does.")
    ] = False,
    device: Device = "auto",
    workers: Workers = None,
) -> None:
    """Runs pairs afresh and compares, with the baselines or with the code of another commit.

    Exit 0: fine; 1: something is worse, or changed and not shown to be harmless; 3: against baselines from
    another platform, too few seeds to tell. Of claims 1: contradicted on a benchmark; 3: undecided or not
    testable.
    """
    from clbench.results import judged

    check_margin(margin)
    if claims:
        by_default = (margin, baselines, device, workers) == (MARGIN, BASELINES, "auto", None)
        if any((benchmark, strategy, against, seeds, until_decided, junit, strict)) or not by_default:
            raise InputError(
                "--claims goes with --profile, --results and --format alone: leave the others out"
            )
        results = results or folders.RESULTS
        registry.use_tuned(results)  # as --results does
        _gate_claims(claims, results, profile, format_.value)
    profile = profile or SMOKE
    if junit:
        check_writable_file(junit)
    if against is None:
        if results and (device, workers) != ("auto", None):
            raise InputError("--results runs nothing: without --device and --workers")
        if seeds is not None or until_decided is not None:
            raise InputError("--seeds and --until-decided go with --against: a baseline has its own seeds")
        verdicts = _with_baselines(
            profile, benchmark, strategy, results, baselines, margin / 100, device, workers
        )
    else:
        if results:
            raise InputError("give --against or --results, not both")
        strict = True
        verdicts = _against(
            against,
            profile,
            benchmark,
            strategy,
            seeds,
            until_decided,
            baselines,
            margin / 100,
            device,
            workers,
        )
    if junit:
        writing.write_atomically(junit, judged.junit(verdicts, strict))
    _tell(partial(judged.lines, verdicts), format_.value)
    raise typer.Exit(judged.exit_status(verdicts, strict))


def _tell(lines: Callable[[str], list[str]], format: str) -> None:
    """Prints what `lines` makes in this format; for GitHub into the job's summary, too."""
    print("\n".join(lines(format)))
    if format == Format.github and (summary := os.environ.get("GITHUB_STEP_SUMMARY")):
        with open(summary, "a", encoding="utf-8") as file:
            file.write("\n".join(lines("markdown")) + "\n")


def _gate_claims(path: Path, results: Path, profile: str | None, format: str) -> NoReturn:
    from clbench.claims import gate
    from clbench.cli.claims import judged_claims

    made = judged_claims(path, results, profile)
    gate.check(made, path)
    _tell(partial(gate.lines, made, path=path), format)
    raise typer.Exit(gate.exit_status(made))


def _with_baselines(
    profile: str,
    benchmark: list[str] | None,
    strategy: list[str] | None,
    results: Path | None,
    baselines: Path,
    margin: float,
    device: str,
    workers: int | None,
) -> list:
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
    return checking.check(current, baselines, profile, benchmark, strategy, margin)


def _against(
    revision: str,
    profile: str,
    benchmark: list[str] | None,
    strategy: list[str] | None,
    seeds: int | None,
    until_decided: str | None,
    baselines: Path,
    margin: float,
    device: str,
    workers: int | None,
) -> list:
    import_execution()
    from clbench.cli import against
    from clbench.cli.run import seconds_of
    from clbench.execution.compare import HowToRun
    from clbench.execution.devices import choose_device, default_workers
    from clbench.execution.plan import parse_seeds

    limit, asked_seeds = seconds_of("until_decided", until_decided), parse_seeds(seeds, None)
    committed = against.committed_baselines(baselines, profile)
    wanted = against.pairs_to_compare(profile, benchmark, strategy, asked_seeds, committed)
    device = choose_device(device)
    how = HowToRun(profile, device, default_workers(device) if workers is None else workers)
    return against.results_against(revision, how, wanted, committed, margin, limit)


def _run_afresh(wanted: dict, profile: str, device: str, workers: int | None) -> list:
    """Records of these pairs with the baseline's seeds, made now and kept in memory."""
    executing = import_execution()
    from clbench.cli import screen as terminal
    from clbench.execution import plan as planning
    from clbench.execution.devices import choose_device, default_workers

    device, screen = choose_device(device), terminal.Screen(to_stderr=True)
    plans, gone = [], []
    for (benchmark, strategy), seeds in wanted.items():
        try:
            plans.append(planning.make_plan([benchmark], [strategy], profile, seeds or None, None))
        except InputError as error:  # what was removed or renamed is missing, and the others are judged
            gone.append(f"{benchmark} {strategy}: {error}")
    print_warnings(gone)
    plan = planning.Plan.joined(plans)
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
    baselines: Baselines = BASELINES,
) -> None:
    """Makes what is in the results folder the numbers that `clbench check` compares with, and says what that
    changes."""
    from clbench.results import baselines as checking
    from clbench.results import judged, records

    check_writable(baselines)
    found, problems = records.load(results, profile)
    print_warnings(problems)
    accepted = matching_records(found, results, benchmark, strategy)
    moved = checking.moved(accepted, baselines, profile)
    paths = checking.accept(accepted, baselines, profile)
    said = [*judged.lines(moved)[:-1], f"accepted: {judged.counts(moved)}"]
    print("\n".join([*said, *map(str, paths)]))
