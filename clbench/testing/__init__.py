"""The contract, as checks: what every strategy and every benchmark has to hold, one's own as well as ours.

    from clbench.testing import check_strategy, strategy_checks

    check_strategy("my_method.py:MyMethod", lam=3)           # AssertionError: a sentence says what is wrong

    @pytest.mark.parametrize("check", strategy_checks(MyMethod), ids=str)      # in pytest: a test each
    def test_my_method(check):
        check()

`check_benchmark` and `benchmark_checks` do the same for benchmarks. Nothing here needs pytest.
"""

from clbench.testing.benchmarks import benchmark_checks, check_benchmark
from clbench.testing.check import Check
from clbench.testing.strategies import check_strategy, strategy_checks

__all__ = ["Check", "benchmark_checks", "check_benchmark", "check_strategy", "strategy_checks"]
