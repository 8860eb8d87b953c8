"""Times two functions in turn in one process, and keeps what came out for the table that `make speed`
writes."""

import gc
import statistics
import time
from collections.abc import Callable


def seconds(f: Callable, *arguments) -> float:
    start = time.perf_counter()
    f(*arguments)
    return time.perf_counter() - start


def ratio(numerator: Callable, denominator: Callable, rounds: int) -> float:
    """Median over rounds of seconds(numerator()) / seconds(denominator()), each called once before."""
    numerator(), denominator()
    gc.collect()
    gc.freeze()  # what either has left behind is not walked again and again while the other is timed
    return statistics.median(seconds(numerator) / seconds(denominator) for _ in range(rounds))


def keep(
    benchmark,
    what: str,
    found: float,
    *,
    most: float | None = None,
    least: float | None = None,
    unit: str = "×",
    **more: str,
) -> None:
    """Writes the figure into the benchmark's table, then holds it to its target. more: `machine`, if not the
    processor."""
    target = f"≤ {most:g} {unit}" if most is not None else f"≥ {least:g} {unit}" if least is not None else "–"
    holds = (most is None or found <= most) and (least is None or found >= least)
    benchmark.extra_info |= {
        "what": what,
        "found": f"{found:.3g} {unit}",
        "target": target,
        "holds": holds,
        **more,
    }
    if benchmark.stats is None:  # pytest-benchmark drops a test that has timed nothing
        benchmark.pedantic(lambda: None, rounds=1)
    print(f"\n{what}: {found:.3g} {unit}, target {target}")
    assert holds
