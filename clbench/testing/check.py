"""A check by its name: what pytest shows as a test."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Check:
    """Call it: it returns, or raises AssertionError with a sentence that says what is wrong."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        self.run()

    def __str__(self) -> str:
        return self.name


def name_of(check: Callable) -> str:
    """`a step is static` of `check_a_step_is_static`."""
    return check.__name__.removeprefix("check_").replace("_", " ")
