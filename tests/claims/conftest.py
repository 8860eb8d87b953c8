"""Made-up records under real names, whose truth is known, and claims that are judged on them."""

import numpy as np
import pytest

from clbench.claims.entries import Claim
from clbench.claims.judge import judge
from clbench.report.tables import judged_of

HERE = "split_mnist_class"
NOISE = (-1.0, -0.5, 0.0, 0.5, 1.0)  # of five seeds, in points


@pytest.fixture(autouse=True)
def known(fabricated):
    with fabricated.known():
        yield


@pytest.fixture(scope="session")
def row(fabricated):
    """row(strategy, acc, spread): a record whose ACC, in points, is `acc` + spread * NOISE; or what `acc`
    lists for each seed. old: accuracy on the older task, where the tasks differ."""

    def make(strategy, acc, spread=1.0, *, old=None, benchmark=HERE, profile="quick", **more):
        ends = np.asarray(acc if np.ndim(acc) else acc + spread * np.array(NOISE)) / 100
        rows = [(end, end) if old is None else (old / 100, 2 * end - old / 100) for end in ends]
        return fabricated.make(
            strategy, fabricated.two_tasks(*rows), benchmark=benchmark, profile=profile, **more
        )

    return make


@pytest.fixture(scope="session")
def decided():
    """decided(records, *tests, on, given): the claims with these tests, judged together; of one test its
    claim alone."""

    def run(records, *tests, on=(HERE,), given=()):
        claims = [
            Claim(f"claim-{i}", "It is so.", test, on=tuple(on), given=tuple(given))
            for i, test in enumerate(tests)
        ]
        made = judge(claims, judged_of(records))
        return made if len(made) > 1 else made[0]

    return run
