"""`clbench check --against`: whole runs of this source and of a commit's, judged."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from clbench import registry
from clbench.cli.screen import Screen
from clbench.errors import InputError
from clbench.execution import commits, trees
from clbench.execution import compare as comparing
from clbench.execution.compare import HowToRun, Name, Seeds, Side
from clbench.execution.plan import make_plan
from clbench.metrics.references import JOINT, NAIVE
from clbench.metrics.sequential import share
from clbench.profiles import PROFILES
from clbench.results import baselines as checking
from clbench.results.baselines import Results


def results_against(
    revision: str,
    how: HowToRun,
    wanted: Mapping[Name, Seeds],
    committed: checking.Entries,
    margin: float,
    seconds: float | None,
) -> Results:
    """The verdict on each pair, both sources run on this machine with these seeds.

    seconds: how long to go on adding seeds to pairs that are undecided; None not to.
    """
    commit, screen = commits.commit_of(revision), Screen(to_stderr=True)
    with comparing.tree_of(commit) as place:
        then, now = Side(place), Side(trees.here())
        theirs, ours = (comparing.known_pairs(side.place, how.profile, wanted) for side in (then, now))
        screen.console.print(f"by the code of {commit[:12]} and by the code here: pairs {len(wanted)}")
        took = comparing.measure(then, how, {name: wanted[name] for name in wanted if name in theirs})
        took += comparing.measure(now, how, {name: wanted[name] for name in wanted if name in ours})
        looks = Looks(then, now, how.profile, sorted(wanted), committed, margin, again=seconds is not None)
        looks.unknown = wanted.keys() - theirs
        if seconds is None:
            looks.undecided()
        else:
            comparing.add_seeds((then, now), how, looks.undecided, seconds, took, screen.console.print)
        return looks.results()


class Looks:
    """Looks at what two sides have measured, again whenever there are more seeds; a pair that is decided
    stays so."""

    def __init__(
        self,
        then: Side,
        now: Side,
        profile: str,
        names: list[Name],
        committed: checking.Entries,
        margin: float,
        again: bool,
    ) -> None:
        """again: there may be more than one look, so each takes a share of the risk."""
        self.then, self.now, self.profile = then, now, profile
        self.committed, self.margin, self.again = committed, margin, again
        self.open, self.unknown = names, set[Name]()  # the latter: pairs that the older tree does not have
        self.looks: dict[Name, list[int]] = {}  # how many seeds a pair had at each look
        self.found: dict[Name, Results] = {}

    def undecided(self) -> dict[Name, Seeds]:
        """Looks; says which seeds each pair has that is open still, and each benchmark's joint, which the
        plasticity gap needs."""
        before, now = self._entries()
        for name in self.open:
            record = self.now.records.get(name)
            self.looks.setdefault(name, []).append(len(record.seeds) if record else 0)
        shares = {name: share(self.looks[name]) if self.again else 1.0 for name in self.open}
        judged = checking.against(before, now, self.open, shares, self.margin, self.committed, self.unknown)
        for name in self.open:
            self.found[name] = [one for one in judged if one[:2] == name]
        self.open = [
            name
            for name in self.open
            if any(found.status == "undecided" and not found.accepted for _, _, found in self.found[name])
            and self.looks[name][-1]
        ]
        needed = [*self.open, *((benchmark, JOINT) for benchmark, _ in self.open)]
        seeds = {name: record.seeds for name, record in self.now.records.items() if name in needed}
        return {name: tuple(own) for name, own in seeds.items() if own} if self.open else {}

    def results(self) -> Results:
        """What the last look at each pair has found."""
        return [one for name in sorted(self.found) for one in self.found[name]]

    def _entries(self) -> tuple[checking.Entries, checking.Entries]:
        before, now = (
            {name: checking.entry_of(record) for name, record in side.records.items()}
            for side in (self.then, self.now)
        )
        for name, metrics in comparing.metrics_of(self.then.place, self.profile, self.then.records).items():
            before[name]["metrics"] = metrics
        return before, now


def pairs_to_compare(
    profile: str,
    benchmarks: list[str] | None,
    strategies: list[str] | None,
    seeds: list[int] | None,
    committed: checking.Entries,
) -> dict[Name, Seeds]:
    """Pair -> seeds: those of the baselines, or what the options say, as `clbench run` takes it. A baseline
    without seeds, of what could not run, takes those of fine-tuning; where it has none, it is left out."""
    if committed and not benchmarks and not strategies:
        with_seeds = {name: seeds or entry["seeds"] for name, entry in committed.items()}
        fallback: dict[Name, list[int]] = {}
        for benchmark in sorted({name[0] for name, own in with_seeds.items() if not own}):
            with suppress(InputError):  # it is there no more
                fallback |= _planned([benchmark], [NAIVE], profile)
        found = {name: own or fallback.get((name[0], NAIVE), []) for name, own in with_seeds.items()}
        return {name: tuple(own) for name, own in found.items() if own}
    found = _planned(
        registry.select(benchmarks or list(PROFILES[profile].selects), registry.benchmarks()),
        registry.select(strategies or ["*"], registry.strategies()),
        profile,
    )
    if not found:
        raise InputError("no pair to compare")
    return {name: tuple(seeds or committed.get(name, {}).get("seeds") or own) for name, own in found.items()}


def _planned(benchmarks: list[str], strategies: list[str], profile: str) -> dict[Name, list[int]]:
    """Canonical names -> the profile's seeds, of what can be run here."""
    plan = make_plan(benchmarks, strategies, profile, None, None)
    return {(pair.blank.benchmark, pair.blank.strategy): pair.asked for pair in plan.pairs}


def committed_baselines(folder: Path, profile: str) -> checking.Entries:
    """Nothing where there are none."""
    there = any((folder / profile).glob("*.json"))
    return checking.load_baselines(folder, profile) if there else {}
