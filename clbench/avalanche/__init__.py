"""Avalanche's strategies as rows beside ours, and `Recorder` for scripts of its own."""


def __getattr__(name: str):
    """`Recorder`, which imports Avalanche, when it is asked for."""
    if name == "Recorder":
        from clbench.interchange import Recorder

        return Recorder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
