"""`clbench tune`: a method's values for a benchmark, chosen by the same rule for every method."""

import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clbench import registry
from clbench.cli.app import Benchmarks, Device, ProfileName, Strategies, Workers, app, import_execution
from clbench.cli.run import seconds_of
from clbench.core import tuned
from clbench.core.paths import check_writable, check_writable_file
from clbench.core.text import printable
from clbench.errors import InputError
from clbench.profiles import OWN_PROFILES
from clbench.results import folders
from clbench.spec import spelled

if TYPE_CHECKING:
    from clbench.execution.execute import Finished
    from clbench.execution.plan import Job, Plan
    from clbench.tuning.asked import Asked, Tuning
    from clbench.tuning.choice import Trial

EXAMPLES = """Examples:

  clbench tune -b split_digits_class -s ewc --profile smoke

  clbench tune -b split_mnist_class -s ewc -s si -s derpp --dry-run

  clbench tune -b split_digits_task -s lwf --profile smoke --grid "lam=0.1,1,10"

  clbench run -b split_digits_class -s ewc -s "ewc(values='paper')" --profile smoke"""
FOLDER = "tuning"  # in that of the results: what was tried
SEEDS = "1000,1001"


@app.command(epilog=EXAMPLES)
def tune(
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    profile: Annotated[
        ProfileName, typer.Option(help="Whose budget; the values hold under this profile alone.")
    ] = ProfileName("quick"),  # noqa: B008
    grid: Annotated[
        list[str] | None,
        typer.Option(help="Values in place of a method's own range, like 'lam=1,10,100'; may be repeated."),
    ] = None,
    trials: Annotated[
        int, typer.Option(help="Candidates of each method, the paper's values among them.")
    ] = 9,
    tasks: Annotated[int, typer.Option(help="Only the first so many tasks are trained and looked at.")] = 3,
    seed_list: Annotated[str, typer.Option(help="Seeds of the trials, each 1000 or more.")] = SEEDS,
    device: Device = "auto",
    workers: Workers = None,
    time_limit: Annotated[
        str | None, typer.Option(help="Start no further seed group after this: 90s, 9m, 2h.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Results folder: trials go to tuning/ in it, the values to tuned.toml.")
    ] = folders.RESULTS,
    write: Annotated[
        bool, typer.Option("--write", help="Write to clbench's own file of the benchmark instead.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also where a person has written values: they are replaced.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would run, and its cost.")
    ] = False,
) -> None:
    """Chooses values of a method's arguments for a benchmark: as many trials for every method, on held-out
    training data of the first tasks, with seeds that no reported run has. An interrupted choice goes on where
    it was."""
    if not (benchmark and strategy):
        print(f"clbench: say what to tune: -b and -s\n\n{EXAMPLES}", file=sys.stderr)
        raise typer.Exit(2)
    executing = import_execution()
    from clbench.cli.screen import Screen
    from clbench.execution import plan as planning
    from clbench.execution.devices import choose_device, default_workers
    from clbench.results.lock import hold
    from clbench.tuning.asked import ask
    from clbench.tuning.candidates import parse_grid
    from clbench.tuning.trials import plan_trials

    seeds = _checked(trials, tasks, seed_list)
    limit, device, level = seconds_of("time_limit", time_limit), choose_device(device), profile.value
    if level not in OWN_PROFILES:
        raise InputError(f"its values are the publication's; use {', '.join(OWN_PROFILES)}", "profile", level)
    registry.use_tuned(None if write else out)
    asked = ask(benchmark, strategy, level, out, parse_grid(grid or []), trials, write)
    _leave_out(asked, force)
    place = out / FOLDER / f"first_{tasks}_tasks"
    for folder in (out, place, place / level):
        check_writable(folder)
    for target in asked.targets.values():
        check_writable_file(target.path)
    with nullcontext() if dry_run else hold(out):
        plan = plan_trials(asked, level, seeds, tasks, out, place, device)
        missing = _leave_out_impossible(asked, plan, trials)
        jobs = planning.jobs(plan, device)
        screen = Screen()
        workers = default_workers(device) if workers is None else workers
        screen.workers = max(1, min(workers, len(jobs)))
        _announce(plan, jobs, screen.workers, seeds, tasks)
        if dry_run:
            _list_trials(asked, plan)
            return
        with screen.progress(plan, jobs) as on_done:
            finished = executing.execute(
                plan, jobs, place, workers=workers, time_limit=limit, on_done=on_done
            )
        bad = _conclude(asked, plan, finished, seeds, tasks)
        _tell_what_is_stale(asked, level, out)
    if finished.left or finished.interrupted:
        print(f"{finished.left} groups not begun; the same command goes on from here")
    raise typer.Exit(130 if finished.interrupted else int(bad or missing))


def _checked(trials: int, tasks: int, seed_list: str) -> list[int]:
    """The seeds. Raises InputError for numbers by which nothing can be chosen."""
    from clbench.execution.plan import parse_seeds
    from clbench.tuning.choice import REPORTED

    if trials < 2:
        raise InputError("with fewer than 2 there is nothing to choose from", "trials", trials)
    if tasks < 2:
        raise InputError("with fewer than 2 there is nothing to forget", "tasks", tasks)
    seeds = parse_seeds(None, seed_list)
    assert seeds is not None
    if min(seeds) < REPORTED:
        why = f"seeds below {REPORTED} are those of reported runs: take larger ones"
        raise InputError(why, "seed_list", seed_list)
    return seeds


def _leave_out(asked: "Asked", force: bool) -> None:
    """Says which methods have nothing to tune, and leaves out those whose values a person has written. Raises
    InputError where none has anything."""
    if not asked.tunings:
        raise InputError(
            f"nothing to tune, no argument has a range: {', '.join(asked.without)}; give values with --grid, "
            'or ranges in its class: tunes = {"lam": (0.1, 10.0, "log")}'
        )
    if asked.without:
        print(printable(f"nothing to tune, no argument has a range: {', '.join(asked.without)}"))
    for one in [one for one in asked.tunings if one.by_hand and not force]:
        where = asked.targets[one.benchmark].path.name
        print(
            printable(
                f"{_name(one)}: values that a person has written stand in {where}; --force replaces them"
            )
        )
        asked.tunings.remove(one)


def _leave_out_impossible(asked: "Asked", plan: "Plan", trials: int) -> bool:
    """Says which methods cannot be tuned and why, and which have fewer candidates; whether something is
    missing that ought to be there."""
    from clbench.tuning.trials import why_not

    missing = bool(plan.blocked)
    for line in plan.blocked:
        print(printable(line))
    for one in list(asked.tunings):
        if why := why_not(one, plan):
            print(printable(f"{_name(one)}: {why}"))
            missing |= not why.startswith("unsupported")
            asked.tunings.remove(one)
        elif len(one.candidates) < trials:
            print(
                printable(
                    f"{_name(one)}: {len(one.candidates)} candidates are all there are for {trials} trials"
                )
            )
    return missing


def _announce(plan: "Plan", jobs: list["Job"], workers: int, seeds: list[int], tasks: int) -> None:
    minutes = sum(pair.seconds * len(pair.missing) for pair in plan.pairs) / 60
    left = sum(bool(pair.missing) for pair in plan.pairs)
    done = f"; {len(plan.pairs) - left} are done" if left < len(plan.pairs) else ""
    print(
        f"{left} trials on held-out training data of the first {tasks} tasks, seeds "
        f"{', '.join(map(str, seeds))}: {len(jobs)} groups on {workers} worker{'s' if workers > 1 else ''}, "
        f"about {minutes:.1f} min of CPU{done}"
    )


def _list_trials(asked: "Asked", plan: "Plan") -> None:
    from clbench.tuning.trials import pairs_of

    for one in asked.tunings:
        minutes = sum(pair.seconds * len(pair.missing) for pair in pairs_of(one, plan)) / 60
        tried = "; ".join(map(spelled, one.candidates))
        print(printable(f"  {_name(one)}: {len(one.candidates)} trials, about {minutes:.2f} min: {tried}"))


def _conclude(asked: "Asked", plan: "Plan", finished: "Finished", seeds: list[int], tasks: int) -> bool:
    """Chooses where all trials have ended, says and writes it; whether something was bad."""
    from clbench.tuning.choice import best_of, table_of
    from clbench.tuning.tables import write_tables
    from clbench.tuning.trials import trials_of

    bad = False
    tables: dict[str, dict] = {name: {} for name in asked.targets}
    for one in asked.tunings:
        found = trials_of(one, plan, finished, seeds)
        if found is None:  # to be gone on with
            continue
        best = None if isinstance(found, str) else best_of(found)
        if isinstance(found, str) or best is None:
            bad = True
            said = found if isinstance(found, str) else f"none of {len(found)} candidates ended well"
        else:
            tables[one.benchmark][one.key] = table_of(best, found, one.kept, seeds, tasks)
            said = _chosen(one, best, found)
        print(printable(f"{_name(one)}: {said}"))
    for name, target in asked.targets.items():
        write_tables(target.path, tables[name])
    for path in dict.fromkeys(target.path for name, target in asked.targets.items() if tables[name]):
        print(printable(f"values: {path}"))
    tuned.read.cache_clear()
    return bad


def _tell_what_is_stale(asked: "Asked", profile: str, out: Path) -> None:
    """Says what to run again: rows whose names now stand for other values than they were made with."""
    from clbench.claims.missing import line_of
    from clbench.results import records
    from clbench.results.record import BrokenRecord
    from clbench.results.staleness import is_stale

    tuned.use(out)
    for one in asked.tunings:
        with suppress(BrokenRecord):
            record = records.find(out, profile, one.benchmark, one.strategy)
            if record and is_stale(record):
                command = line_of(profile, [one.benchmark], [one.strategy], out)
                print(printable(f"{_name(one)} is now stale, run it again: {command}"))


def _chosen(one: "Tuning", best: "Trial", trials: list["Trial"]) -> str:
    """What was chosen, beside the paper's values, and at what cost."""
    from clbench.tuning.candidates import at_edge

    paper = trials[0]
    if best is paper:
        said = f"the paper's {spelled(best.values)} {_score(best)} is the best"
        said += "" if one.kept else "; the bare name and values='paper' are one row"
    else:
        said = f"{spelled(best.values)} {_score(best)}; the paper's {spelled(paper.values)} {_score(paper)}"
    said += f"; {len(trials)} trials, {sum(trial.cpu_s for trial in trials):.0f} s of CPU"
    lost = sum(trial.score is None for trial in trials)
    edges = at_edge(best.values, one.candidates, one.kinds)
    return (
        said
        + (f"; {lost} lost" if lost else "")
        + (f"; {', '.join(edges)} at the edge of what was tried" if edges else "")
    )


def _score(trial: "Trial") -> str:
    from clbench.report.tables import heading

    title = heading(trial.metric).title
    return f"({trial.record.status})" if trial.score is None else f"({title} {100 * trial.score:.1f})"


def _name(one: "Tuning") -> str:
    return f"{one.strategy} on {one.benchmark}"
