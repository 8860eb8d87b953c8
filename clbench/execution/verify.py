"""Whether today's source code still computes what made the stored records.

Both run every pair's trace on this machine, the code that made the record in a process that imports its
commit's tree, and the traces are compared bit for bit: one machine and one set of libraries, so there is no
tolerance to argue about.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from clbench.errors import InputError
from clbench.execution import commits
from clbench.execution import trees as tracing
from clbench.execution.plan import Pair, change_of_settings, pair_of
from clbench.execution.trees import Place, Request, Trace
from clbench.results import verification
from clbench.results.record import Record


@dataclass(frozen=True)
class Finding:
    """What is to be said of one record."""

    record: Record
    status: str  # current | verified | differs | stale
    detail: str = ""  # the first difference, or why nothing could be compared


@dataclass
class Candidate:
    """A record of which only the source code has changed."""

    pair: Pair
    record: Record
    sources: tuple[str, ...]  # digests of code that made it, or that computes the same
    references: list[str]  # commits that may hold such code, most likely first
    obstacle: str  # what is to be said where none of them does

    @property
    def request(self) -> Request:
        """The record's group size, but at most two seeds. Whole where that is cheap (smoke): it sees what
        happens only after many steps; and where a run diverged, which a few steps do not. With the values
        that the record has, whatever is tuned in the other tree."""
        seeds = self.record.groups[0].seeds if self.record.groups else self.pair.asked[:1]
        whole = self.record.profile == "smoke" or self.record.status == "diverged"
        strategy = self.pair.trained or self.record.strategy
        return Request(self.record.benchmark, strategy, tuple(seeds[:2]), whole, self.sources)

    @property
    def request_now(self) -> Request:
        """The same of today's code."""
        return replace(self.request, sources=(self.pair.blank.source,))


def verify(
    records: list[Record],
    results: Path,
    profile: str,
    against: str | None,
    processes: int,
    report: Callable[[Finding], None],
) -> list[Finding]:
    """Verifies records of one profile, reports each finding as it is made, and writes what holds beside the
    records.

    against: a revision whose code made the records; None for HEAD or the commit that a record names.
    InputError where this repository does not have it.
    """
    reference = commits.commit_of(against) if against else None
    try:
        notes = {benchmark: dict(own) for benchmark, own in verification.read(results, profile).items()}
    except verification.BrokenNotes as error:
        raise InputError(f"{error}; move it away to have records verified") from None
    findings: list[Finding] = []

    def conclude(record: Record, status: str, detail: str = "") -> None:
        findings.append(Finding(record, status, detail))
        report(findings[-1])

    candidates = []
    for record in records:
        pair, obstacle = _planned(record, results)
        if pair is not None and pair.current:
            conclude(record, "current")
        elif pair is None or obstacle:
            conclude(record, "stale", obstacle)
        else:
            note = notes.get(record.benchmark, {}).get(record.strategy)
            note = note if note and note.record == record.sha256 else None
            sources = [record.source] + ([note.source, note.origin] if note else [])
            references = [reference] if reference else _references(record, note)
            candidates.append(
                Candidate(
                    pair,
                    record,
                    tuple(sorted(set(filter(None, sources)))),
                    references,
                    _why_not_found(record, reference),
                )
            )
    now = _describe_now()

    def compare(candidate: Candidate, old: Trace, new: Trace, commit: str) -> None:
        if new.source != candidate.pair.blank.source and not new.error:
            return conclude(candidate.record, "stale", "its source code has changed while it was verified")
        obstacle = first_difference(old, new)
        remark = ""
        if not obstacle and _made_on_gpu(candidate.record):
            remark = "made on a GPU, verified on a CPU"
            obstacle = (
                "made on a GPU, and code that only a GPU runs has changed"
                if old.capture != new.capture
                else None
            )
        if obstacle:
            return conclude(candidate.record, "differs", obstacle)
        note = verification.Note(
            candidate.record.sha256,
            candidate.pair.blank.source,
            commit[:12],
            remark=remark,
            origin=old.source,
            **now,
        )
        notes.setdefault(candidate.record.benchmark, {})[candidate.record.strategy] = note
        conclude(candidate.record, "verified")

    try:
        _compare_all(candidates, profile, processes, compare, conclude)
    finally:
        if any(finding.status == "verified" for finding in findings):
            verification.write(results, profile, notes)
    return findings


def _compare_all(
    candidates: list[Candidate],
    profile: str,
    processes: int,
    compare: Callable[[Candidate, Trace, Trace, str], None],
    conclude: Callable[[Record, str, str], None],
) -> None:
    """Calls compare(candidate, old trace, new trace, commit) for each candidate whose old code is found;
    conclude for the others. The references are tried one after another."""
    waiting = candidates
    while waiting:
        by_commit: dict[str, list[Candidate]] = {}
        for candidate in waiting:
            if candidate.references:
                by_commit.setdefault(candidate.references.pop(0), []).append(candidate)
            else:
                conclude(candidate.record, "stale", candidate.obstacle)
        waiting = []
        for commit, own in by_commit.items():
            with tempfile.TemporaryDirectory() as folder:
                then, now = Place(commits.unpack(commit, Path(folder)), commit), tracing.here()
                old = tracing.traces(then, profile, [candidate.request for candidate in own], processes)
                found = [
                    candidate
                    for candidate in own
                    if old[candidate.request].source in candidate.request.sources
                ]
                waiting += [candidate for candidate in own if candidate not in found]
                new = tracing.traces(now, profile, [candidate.request_now for candidate in found], processes)
                unlike = [
                    candidate
                    for candidate in found
                    if old[candidate.request].format != new[candidate.request_now].format
                ]
                untrained = [
                    candidate.request
                    for candidate in unlike
                    if old[candidate.request].format != tracing.WHOLE
                ]
                old |= tracing.traces(then, profile, untrained, processes, by_training=True)
                new |= tracing.traces(
                    now, profile, [candidate.request_now for candidate in unlike], processes, by_training=True
                )
            for candidate in found:
                compare(candidate, old[candidate.request], new[candidate.request_now], commit)


# ---- what is compared with what


def _planned(record: Record, results: Path) -> tuple[Pair | None, str]:
    """(today's plan of the record's pair, what stands against verifying it)."""
    if record.status == "failed":
        return None, "it failed: run it again"
    pair, reason = pair_of(record, results)
    return pair, reason if pair is None else change_of_settings(record, pair.blank) or ""


def _references(record: Record, note: verification.Note | None) -> list[str]:
    """HEAD, whose code the record is often current with; the commits that its note and the record itself
    name."""
    named = [note.against] if note else []
    named += [
        str(group.provenance.get("commit")) for group in record.groups if not group.provenance.get("dirty")
    ]
    found = (commits.resolve(name) for name in dict.fromkeys(["HEAD", *named]) if name != "None")
    return list(dict.fromkeys(commit for commit in found if commit))


def _why_not_found(record: Record, reference: str | None) -> str:
    """What to say where no commit that was looked at holds the code that made the record."""
    if reference:
        return f"{reference[:12]} does not hold the code that made it"
    if commits.current()["commit"] is None:
        return "this source code is in no git repository"
    if any(group.provenance.get("dirty") for group in record.groups):
        return "made from changes that were not committed"
    if any(group.provenance.get("commit") is None for group in record.groups):
        return "made by code in no git repository"
    return "no commit of this repository holds the code that made it"


def _made_on_gpu(record: Record) -> bool:
    return any(group.provenance.get("device") != "cpu" for group in record.groups)


def _describe_now() -> dict:
    here = commits.current()
    return {
        "commit": here["commit"] or "",
        "dirty": bool(here["dirty"]),
        "platform": tracing.platform(),
        "date": datetime.now(UTC).date().isoformat(),
    }


# ---- the first difference, in words


def first_difference(old: Trace, new: Trace) -> str | None:
    """None where both say the same."""
    if old.error or new.error:
        return f"broke off: {old.error or 'not before'} / now {new.error or 'not'}"
    for (where, what, before), (there, that, after) in zip(old.notes, new.notes, strict=False):
        if (where, what) != (there, that):
            return f"{there}: {that}, where there was {where}: {what}"
        if before != after:
            gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
            return f"{where}: {what}: {_shorten(gone)} is now {_shorten(come)}"
    more = len(new.notes) - len(old.notes)
    return f"{abs(more)} notes {'more' if more > 0 else 'fewer'} than before" if more else None


def _shorten(digests: Counter[str]) -> str:
    """At most three of them, each cut to a line's length."""
    return " & ".join(json.dumps(one)[1:91] for one in list(digests)[:3]) or "nothing"
