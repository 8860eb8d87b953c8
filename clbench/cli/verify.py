"""`clbench verify`: which records the edited code still computes."""

import sys
from typing import Annotated

import typer

from clbench.cli.app import (
    SMOKE,
    Benchmarks,
    ProfileName,
    Results,
    Strategies,
    app,
    matching_records,
    print_warnings,
)
from clbench.execution.environment import prepare
from clbench.results import folders


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
    results: Results = folders.RESULTS,
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
    from clbench.results.lock import hold

    found, problems = records.load(results, profile)
    print_warnings(problems)

    def report(finding: Finding) -> None:
        if finding.status in ("differs", "stale"):
            record = finding.record
            print(f"{finding.status:9} {record.benchmark}  {record.strategy}  {finding.detail}", flush=True)

    with hold(results):
        findings = verify_records(
            matching_records(found, results, benchmark, strategy),
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
