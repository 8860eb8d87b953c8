"""clbench: benchmarks and a leaderboard for continual learning. `clbench --help` shows the commands."""

from clbench import moved

moved.install()

_WHERE = {"run": "clbench.api", "Result": "clbench.api", "load_results": "clbench.report.frame",
          "Part": "clbench.core.part", "Benchmark": "clbench.core.benchmark"}

__all__ = sorted(_WHERE)


def __getattr__(name: str):
    """Imports what is asked for, so that `import clbench` itself needs neither torch nor pandas."""
    if name not in _WHERE:
        raise AttributeError(f"module clbench has no attribute {name}")
    from importlib import import_module
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__
