"""The command line: parse, call, print."""

import json
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.cli import pairs as cli_pairs
from clbench.errors import InputError, Unavailable
from clbench.execution.environment import prepare
from clbench.facts import FAMILIES, OWN
from clbench.metrics.references import place_of
from clbench.profiles import PROFILES
from clbench.results import files as writing
from clbench.spec import parse, suggestion

EXAMPLES = """Examples:

  clbench run --all                                        every strategy on the benchmarks of the profile

  clbench run -b split_mnist_class -s naive -s 'er(memory=200)' -s joint

  clbench run -b 'split_*_class' -s '*' --profile quick --time-limit 20m

  clbench run -b split_digits_class -s er+ewc -s my_method.py:MyMethod"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Benchmarks and a leaderboard for continual learning: accuracy, forgetting, plasticity gap and cost "
    "of every method, with error bars.\n\nStart with [bold]clbench run --all[/bold], then "
    "[bold]clbench show[/bold] and [bold]clbench report[/bold].",
)
baseline_app = typer.Typer(
    no_args_is_help=True, help="The accepted numbers that `clbench check` compares with."
)
app.add_typer(baseline_app, name="baseline")
app.add_typer(cli_pairs.data_app, name="data")
app.add_typer(cli_pairs.import_app, name="import")


class Kind(StrEnum):
    benchmarks = "benchmarks"
    strategies = "strategies"
    pairs = "pairs"
    profiles = "profiles"


class Format(StrEnum):
    text = "text"
    markdown = "markdown"
    github = "github"


# Ignored: a type checker takes only literals for the members of an enumeration.
Family = StrEnum("Family", {name: name for name in (*FAMILIES, OWN)})  # type: ignore[misc]
ProfileName = StrEnum("ProfileName", {name: name for name in PROFILES})  # type: ignore[misc]
SMOKE = ProfileName("smoke")

Benchmarks = Annotated[
    list[str] | None, typer.Option("--benchmark", "-b", help="Name, spec or glob; may be repeated.")
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help="Name, spec like 'er(memory=200)+lwf', glob, or file.py:Class; may be repeated.",
    ),
]
Results = Annotated[Path, typer.Option("--results", help="Results folder.")]
Baselines = Annotated[Path, typer.Option("--baselines", help="Folder of the accepted numbers.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Worker processes; 0 runs in this process. Default: one per core on a CPU "
        "(one thread each), one per GPU.",
        min=0,
    ),
]


def main() -> None:
    """Runs a command; a user's mistake is one line and exit code 2."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except InputError as error:
        _fail(error.on_command_line())
    except Unavailable as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "format_message"):  # a click usage error: unknown option, wrong type
            raise
        _fail(error.format_message())


def _fail(line: str) -> None:
    print(f"clbench: {line}", file=sys.stderr)
    sys.exit(2)


# ---- list


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
        one: _listed(one) for one in ([kind] if kind else [Kind.benchmarks, Kind.strategies, Kind.profiles])
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


def _listed(kind: Kind) -> list[dict]:
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


# ---- run


@app.command(epilog=EXAMPLES)
def run(
    all_: Annotated[
        bool, typer.Option("--all", help="Every strategy on the benchmarks of the profile.")
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
    out: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also for what is unavailable.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Runs strategies on benchmarks, several seeds each; what is already in the results folder is not run
    again."""
    if not (all_ or benchmark or strategy):
        print(f"clbench: say what to run: --all, or -b and -s\n\n{EXAMPLES}", file=sys.stderr)
        raise typer.Exit(2)
    executing = _executing()
    from clbench.cli import screen as terminal
    from clbench.execution import plan as planning
    from clbench.execution.devices import choose_device, default_workers
    from clbench.results import records

    asked_seeds = planning.parse_seeds(seeds, seed_list)
    limit = _seconds(time_limit)
    if scheduler:
        from clbench.execution.workers import look_at_cluster

        device, workers = look_at_cluster(scheduler, device)
    else:
        device = choose_device(device)
    level: str = profile.value if profile else "full" if "cuda" in device else "smoke" if all_ else "quick"
    names = registry.select(benchmark or list(PROFILES[level].selects), registry.benchmarks())
    specs = registry.select(strategy or ["*"], registry.strategies())
    writing.check_writable(out)
    plan = planning.make_plan(names, specs, level, asked_seeds, out, fresh=fresh)
    jobs = planning.jobs(plan, device, group_size)
    workers = default_workers(device) if workers is None else workers

    screen = terminal.Screen(to_stderr=as_json)
    screen.announce(plan, jobs, level, device, workers)
    if dry_run:
        screen.list_jobs(jobs)
        return
    beside = None if as_json else lambda: records.load(out, level)[0]
    with screen.progress(plan, jobs, beside) as on_done:
        finished = executing.execute(
            plan, jobs, out, workers=workers, scheduler=scheduler, time_limit=limit, on_done=on_done
        )
    stored, problems = records.load(out, level)
    _tell(problems)
    screen.results(finished, stored, as_json)
    screen.farewell(finished, level, out, fresh)
    missing = plan.unavailable | finished.unavailable
    named = strict or _named(missing, benchmark or [], strategy or [], level)
    raise typer.Exit(
        130 if finished.interrupted else 1 if finished.bad or plan.blocked or (missing and named) else 0
    )


def _named(missing: dict, benchmarks: list[str], strategies: list[str], profile: str) -> bool:
    """Whether something that is unavailable was asked for by its name, not by a glob."""
    literal = {registry.benchmark(text, profile)[0] for text in benchmarks if not registry.is_glob(text)}
    terms = {term.name for text in strategies if not registry.is_glob(text) for term in parse(text)}
    return any(
        benchmark in literal or (strategy and strategy.split("(")[0] in terms)
        for benchmark, strategy in missing
    )


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or not float(found[1]):
        raise InputError(f'--time-limit "{text}": write seconds, minutes or hours, like 90s, 9m or 2h')
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


# ---- show, report


@app.command()
def show(
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = Path("results"),
    profile: Annotated[ProfileName | None, typer.Option(help="Only this profile.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="One metric or cost: strategies against benchmarks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every metric, with each seed's value.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per metric.")] = False,
) -> None:
    """Shows tables of what is in a results folder; profiles never mix in one table."""
    from clbench.core.costs import COSTS
    from clbench.metrics.accuracy import METRICS
    from clbench.report import formats, tables
    from clbench.results import records

    if as_json and as_csv:
        raise InputError("give --json or --csv, not both")
    if metric and metric not in METRICS | COSTS:
        raise InputError(
            f'unknown metric "{metric}"{suggestion(metric, METRICS | COSTS)}; there are '
            f"{', '.join([*METRICS, *COSTS])}"
        )
    found, problems = records.load(results, profile or "*")
    _tell(problems)
    made = tables.show(_matching(found, results, benchmark, strategy), metric, beside=found)
    if as_json or as_csv:
        print(formats.to_json(made) if as_json else formats.to_csv(made), end="")
        return
    from rich.console import Console

    console = Console(highlight=False)
    for table in made:
        console.print(formats.to_rich(table, console.width), "")


def _matching(found: list, results: Path, benchmarks: list[str] | None, strategies: list[str] | None) -> list:
    """The records that match, as globs or canonical names."""
    kept = [
        record
        for record in found
        if registry.matches(record.benchmark, benchmarks) and registry.matches(record.strategy, strategies)
    ]
    if not kept:
        raise InputError(
            f"no records in {results}; make some with: clbench run --all"
            if not found
            else f"none of the {len(found)} records in {results} matches"
        )
    return kept


def _tell(warnings: list[str]) -> None:
    for line in warnings:
        print(f"warning: {line}", file=sys.stderr)


@app.command()
def report(
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("reports"),
) -> None:
    """Writes a Markdown and a self-contained HTML page per profile."""
    from clbench.report.pages import write_reports
    from clbench.results import records

    writing.check_writable(out)
    _matching(records.load(results)[0], results, None, None)
    written = write_reports(results, out)
    _tell(written.warnings)
    for path in written.paths:
        if path.suffix in (".html", ".md"):
            print(path)


# ---- check, baseline


@app.command()
def check(
    profile: Annotated[ProfileName, typer.Option(help="Which baselines.")] = SMOKE,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Judge these records instead of running.")
    ] = None,
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
        _tell(problems)
    else:
        asked = checking.load_baselines(baselines, profile)
        wanted = {
            pair: entry["seeds"]
            for pair, entry in asked.items()
            if registry.matches(pair[0], benchmark) and registry.matches(pair[1], strategy)
        }
        if not wanted:
            raise InputError(f"no pair of the baselines in {baselines} matches")
        current = _run_afresh(wanted, profile, device, workers)
    verdicts = checking.check(current, baselines, profile, benchmark, strategy)
    print("\n".join(checking.lines(verdicts, format_.value)))
    raise typer.Exit(checking.exit_status(verdicts, strict))


def _run_afresh(wanted: dict, profile: str, device: str, workers: int | None) -> list:
    """Records of these pairs with the baseline's seeds, made now and kept in memory."""
    executing = _executing()
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
    results: Results = Path("results"),
    baselines: Baselines = Path("baselines"),
) -> None:
    """Makes what is in the results folder the numbers that `clbench check` compares with."""
    from clbench.results import baselines as checking
    from clbench.results import records

    writing.check_writable(baselines)
    found, problems = records.load(results, profile)
    _tell(problems)
    for path in checking.accept(_matching(found, results, benchmark, strategy), baselines, profile):
        print(path)


# ---- verify, trace


@app.command(
    epilog="""Examples:

  clbench verify --profile quick                  after an edit, before the commit: against HEAD

  clbench verify --profile smoke --against HEAD~1"""
)
def verify(
    profile: Annotated[ProfileName, typer.Option(help="Records of which profile.")] = SMOKE,
    against: Annotated[
        str | None,
        typer.Option(
            help="Git revision whose code made the records. Default: HEAD, or the "
            "commit that the record names."
        ),
    ] = None,
    benchmark: Benchmarks = None,
    strategy: Strategies = None,
    results: Results = Path("results"),
    workers: Annotated[int | None, typer.Option(help="Processes. Default: one per core.", min=1)] = None,
) -> None:
    """Finds out whether the edited source code still computes what made the records: those it does are
    current again.

    Both versions of the code run a shortened run of each pair on this machine; what they compute is compared
    bit for bit. Exit 0: every record is current or verified; 1: some are not, and `clbench run` repeats them.
    """
    prepare()
    from clbench.execution.devices import default_workers
    from clbench.execution.verify import Finding
    from clbench.execution.verify import verify as verify_records
    from clbench.results import records

    found, problems = records.load(results, profile)
    _tell(problems)

    def report(finding: Finding) -> None:
        if finding.status in ("differs", "stale"):
            record = finding.record
            print(f"{finding.status:9} {record.benchmark}  {record.strategy}  {finding.detail}", flush=True)

    findings = verify_records(
        _matching(found, results, benchmark, strategy),
        results,
        profile,
        against,
        workers or default_workers("cpu"),
        report,
    )
    statuses = [finding.status for finding in findings]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    print(f"{len(findings)} records: {counts}")
    raise typer.Exit(1 if {"differs", "stale"} & set(statuses) else 0)


@app.command(hidden=True)
def trace(profile: ProfileName) -> None:
    """What `clbench verify` calls in another source tree: traces of the pairs that standard input lists."""
    prepare()
    from clbench.execution import trace as tracing

    tracing.main(sys.stdin.read(), profile.value)


# ---- doctor


@app.command()
def doctor() -> None:
    """Says what is here: versions, devices, back ends, data."""
    from clbench.cli.doctor import findings

    for topic, rows in findings().items():
        print(topic)
        for name, what in rows.items():
            print(f"  {name:24} {what}")


def _executing():
    """The module that runs things, with the environment set before it imports torch."""
    prepare()
    from clbench.execution import execute

    return execute
