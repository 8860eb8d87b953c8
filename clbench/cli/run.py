"""`clbench run`: strategies on benchmarks."""

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clbench import registry
from clbench.cli.app import (
    Benchmarks,
    Device,
    ProfileName,
    Strategies,
    Workers,
    app,
    import_execution,
    print_warnings,
)
from clbench.core.paths import check_writable
from clbench.errors import InputError
from clbench.profiles import PROFILES
from clbench.results import folders
from clbench.spec import parse

if TYPE_CHECKING:
    from clbench.execution.plan import Job

EXAMPLES = """Examples:

  clbench run --all                                        every strategy on the benchmarks of the profile

  clbench run -b split_mnist_class -s naive -s 'er(memory=200)' -s joint

  clbench run -b 'split_*_class' -s '*' --profile quick --time-limit 20m

  clbench run -b split_digits_class -s er+ewc -s my_method.py:MyMethod"""


@app.command(epilog=EXAMPLES)
def run(
    all_: Annotated[
        bool,
        typer.Option(
            "--all", help="Every strategy on the benchmarks of the profile, but Avalanche's slow rows."
        ),
    ] = False,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    profile: Annotated[
        ProfileName | None,
        typer.Option(
            help="How much: see `clbench list profiles`. Default: full with "
            "CUDA; without, smoke for --all and quick for named pairs."
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Seeds 0 … N-1.")] = None,
    seed_list: Annotated[str | None, typer.Option(help="These seeds, like 0,7.")] = None,
    device: Device = "auto",
    workers: Workers = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask cluster of your own.")] = None,
    group_size: Annotated[
        int | None, typer.Option(help="Seeds trained together. Default: see docs/performance.md.", min=1)
    ] = None,
    time_limit: Annotated[
        str | None, typer.Option(help="Start no further seed group after this: 90s, 9m, 2h.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = folders.RESULTS,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already there.")] = False,
    fresh_times: Annotated[
        bool,
        typer.Option(
            "--fresh-times",
            help="Only repeat the rows of --out whose wall-clock is far above their CPU time, since they "
            "waited for a core: the same numbers, new times.",
        ),
    ] = False,
    probe: Annotated[
        int | None,
        typer.Option(
            help="Look into the tasks: accuracy on so many test rows of each task seen so far after 1, 2, 4, "
            "8, … steps. No number changes: what is there without is run again and gives the same bits.",
            min=1,
        ),
    ] = None,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves",
            help="Keep beside the record how training went: loss and its terms, learning rate, gradients, "
            "drift of features. As with the following three, no number changes: what is there without is run "
            "again and gives the same bits.",
        ),
    ] = False,
    save_models: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the model after each task, with what goes on from it: clbench.load_model, "
            "clbench evaluate, --from."
        ),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Folder for the scores of every test row after each task, as parquet.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(help="Metrics as they come: tensorboard:DIR, mlflow:URI or wandb:PROJECT.")
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Go on from a saved model, with the tasks that its benchmark has more by now; models are "
            "written beside it, or to --save-models. Makes no record.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run.")] = False,
    run_limit: Annotated[
        str | None,
        typer.Option(
            help="Stop a seed group that takes longer than this, as failed: 90s, 9m, 2h. Default: ten "
            "minutes, or 30 times its estimate where that is more."
        ),
    ] = None,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Everything in this process, own files too, so that breakpoints work; no time limit.",
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for what is unavailable.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Runs strategies on benchmarks, several seeds each; what is already in the results folder is not run
    again."""
    if from_ is not None:
        refused: dict[str, object] = {
            "-s": strategy,
            "--all": all_,
            "--profile": profile,
            "--fresh-times": fresh_times,
        }
        refused |= {"--seeds": seeds, "--seed-list": seed_list, "--probe": probe, "--curves": curves}
        refused |= {"--predictions": predictions, "--log": log, "--dry-run": dry_run}
        refused |= {"--fresh": fresh, "--workers": workers, "--group-size": group_size}
        refused |= {"--time-limit": time_limit, "--run-limit": run_limit, "--scheduler": scheduler}
        refused |= {"--debug": debug, "--strict": strict, "--out": out if out != folders.RESULTS else None}
        if given := [name for name, value in refused.items() if value is not None and value is not False]:
            raise InputError(f"--from goes on as the model was trained: without {', '.join(given)}")
        from clbench.cli.going_on import go_on

        raise typer.Exit(go_on(from_, benchmark, save_models, device, as_json))
    if not (all_ or benchmark or strategy or fresh_times):
        print(f"clbench: say what to run: --all, or -b and -s\n\n{EXAMPLES}", file=sys.stderr)
        raise typer.Exit(2)
    if dry_run and as_json:
        raise InputError("--dry-run has no results: without --json")
    executing = import_execution()
    from clbench.cli import besides
    from clbench.cli import screen as terminal
    from clbench.execution import plan as planning
    from clbench.execution.devices import choose_device, default_workers
    from clbench.results import records
    from clbench.results.lock import hold
    from clbench.tuning.choice import check_unseen

    asked_seeds = planning.parse_seeds(seeds, seed_list)
    limit, group_limit = seconds_of("time_limit", time_limit), seconds_of("run_limit", run_limit)
    if fresh_times:
        from clbench.cli.fresh_times import repeat_times

        of_times: dict[str, object] = {
            "--fresh": fresh,
            "--json": as_json,
            "--scheduler": scheduler,
            "--group-size": group_size,
            "--probe": probe,
            "--curves": curves,
            "--save-models": save_models,
            "--predictions": predictions,
            "--log": log,
        }
        of_times |= {"--seeds or --seed-list": asked_seeds, "--device": device not in ("auto", "cpu")}
        if given := [name for name, value in of_times.items() if value]:
            raise InputError(f"--fresh-times repeats rows of a CPU as they were: without {', '.join(given)}")
        level: str = profile.value if profile else "smoke" if all_ else "quick"
        check_writable(out / level)
        with nullcontext() if dry_run else hold(out):
            repeat = repeat_times(
                out, level, benchmark, strategy, workers, limit, group_limit, debug, dry_run
            )
        raise typer.Exit(repeat)
    if scheduler:
        if given := [name for name, value in (("--debug", debug), ("--workers", workers)) if value]:
            raise InputError(f"--scheduler trains on its own workers: without {', '.join(given)}")
        from clbench.execution.cluster import look_at_cluster

        device, workers = look_at_cluster(scheduler, device)
    else:
        device = choose_device(device)
    level = profile.value if profile else "full" if "cuda" in device else "smoke" if all_ else "quick"
    names = registry.select(benchmark or list(PROFILES[level].selects), registry.benchmarks())
    rows = registry.strategies()
    if not strategy:
        rows = {name: entry for name, entry in rows.items() if not registry.facts(name).slow}
    specs = registry.select(strategy or ["*"], rows)
    wanted = besides.asked(probe, curves, save_models, predictions, log)
    for folder in (out, out / level):
        check_writable(folder)
    with nullcontext() if dry_run else hold(out):
        plan = planning.make_plan(
            names, specs, level, asked_seeds, out, fresh=fresh, device=device, debug=debug, besides=wanted
        )
        for pair in plan.pairs:
            check_unseen(pair.blank, pair.asked)
        jobs = planning.jobs(plan, device, group_size, group_limit, wanted)
        workers = default_workers(device) if workers is None else workers

        screen = terminal.Screen(to_stderr=as_json)
        screen.announce(plan, jobs, level, device, workers, lambda: records.load(out, level)[0])
        for line in besides.lines_of_size(plan, wanted):
            screen.console.print(line)
        if dry_run:
            screen.list_jobs(jobs)
            return
        beside = None if as_json else lambda: records.load(out, level)[0]
        with screen.progress(plan, jobs, beside) as on_done:
            finished = executing.execute(
                plan,
                jobs,
                out,
                workers=workers,
                scheduler=scheduler,
                time_limit=limit,
                debug=debug,
                in_processes=run_limit is not None,
                on_done=on_done,
            )
        besides.log_records(
            wanted, [record for names, record in finished.records.items() if names in _ran(jobs)]
        )
        stored, problems = records.load(out, level)
        print_warnings(problems)
        screen.results(finished, stored, as_json)
        screen.farewell(finished, level, out, fresh)
    missing = plan.unavailable | finished.unavailable
    named = strict or _named(missing, benchmark or [], strategy or [])
    raise typer.Exit(
        130 if finished.interrupted else 1 if finished.bad or plan.blocked or (missing and named) else 0
    )


def _ran(jobs: list["Job"]) -> set[tuple[str, str]]:
    """Benchmark and strategy of each."""
    return {(job.benchmark, job.strategy) for job in jobs}


def _named(missing: dict, benchmarks: list[str], strategies: list[str]) -> bool:
    """Whether something that is unavailable was asked for by its name, not by a glob."""
    asked = [_names(text) for text in [*benchmarks, *strategies] if not registry.is_glob(text)]
    named = set().union(*asked)
    return any(
        _names(benchmark) & named or (strategy and _names(strategy) & named)
        for benchmark, strategy in missing
    )


def _names(spec: str) -> set[str]:
    return {term.name for term in parse(spec)}


def seconds_of(option: str, text: str | None) -> float | None:
    """A time as an option takes it, in seconds; None stays None. option: its field, like `time_limit`."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smh]?)", text)
    if not found or not float(found[1]):
        raise InputError("write seconds, minutes or hours, like 90s, 9m or 2h", option, text)
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]
