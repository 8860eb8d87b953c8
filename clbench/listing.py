"""What is registered, by name: `clbench.strategies()` and `clbench.benchmarks()`.

Both are also the packages in which the files stand, so these packages can be called.
"""

from types import ModuleType

from clbench import registry


class Listing(dict[str, str]):
    """name -> what it is, in a line; prints as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:{width}}  {summary}" for name, summary in self.items())


def strategies() -> Listing:
    """All strategies that `clbench.run` takes by name, the native ones first, and what each is."""
    return Listing({name: entry.summary for name, entry in registry.strategies().items()})


def benchmarks() -> Listing:
    """All benchmarks that `clbench.run` takes by name, and what each is."""
    return Listing({name: entry.summary for name, entry in registry.benchmarks().items() if not entry.hidden})


class StrategiesPackage(ModuleType):
    """The package of strategies; called, it lists them."""

    def __call__(self) -> Listing:
        return strategies()


class BenchmarksPackage(ModuleType):
    """The package of benchmarks; called, it lists them."""

    def __call__(self) -> Listing:
        return benchmarks()
