"""Budget: what a task may cost, the same for every strategy, and the optimiser that spends it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from clbench.errors import InputError


@dataclass(frozen=True)
class Budget:
    """What one task may cost, the same for every strategy, and the optimiser that spends it."""

    steps: int  # N, optimiser steps per task
    rows: int = 128  # B, new examples per step
    optimiser: str = "adam"  # adam | sgd | adamw
    lr: float = 1e-3
    momentum: float = 0.0  # of sgd
    weight_decay: float = 0.0  # adamw takes it off the weights; adam and sgd add it to the gradient
    beta2: float = 0.999  # of adam and adamw
    warm_up: float | None = None  # share of steps in which lr rises; then it falls to 0. None: constant
    optimiser_state: str = "keep"  # what becomes of it between tasks: keep | reset
    fixed_compute: bool = False  # whether a method pays in steps for what it computes besides them
    precision: str = "float32"  # float32 | tf32 | bf16

    def __post_init__(self) -> None:
        """Raises InputError for the first value that makes no sense."""
        for name, (holds, takes) in ALLOWED.items():
            value = getattr(self, name)
            if not holds(value):
                raise InputError(f"a budget's {name} takes {takes}, not {value!r}")
        if self.momentum and self.optimiser != "sgd":
            raise InputError(
                f"momentum={self.momentum!r} is of sgd; {self.optimiser} takes none: "
                f"leave it out, or set optimiser='sgd'"
            )
        if self.optimiser == "sgd" and self.beta2 != 0.999:
            raise InputError(
                f"beta2={self.beta2!r} is of adam and adamw; sgd has none: "
                f"leave it out, or set optimiser='adam'"
            )
        if self.fixed_compute and self.rows < 2:
            raise InputError(
                f"fixed_compute needs rows of at least 2, which new and stored examples share, "
                f"not {self.rows}"
            )

    def with_fields(self, **fields: Any) -> "Budget":
        """The budget with these fields instead.

        Another optimiser does not take over what it has no use for.
        """
        optimiser = fields.get("optimiser", self.optimiser)
        defaults: dict[str, Any] = {}
        if optimiser != self.optimiser:
            defaults = {"beta2": 0.999} if optimiser == "sgd" else {"momentum": 0.0}
        return replace(self, **defaults | fields)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


# field -> (whether a value makes sense, which values do, in words)
ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "steps": (_is_count, "a whole number of at least 1"),
    "rows": (_is_count, "a whole number of at least 1"),
    "optimiser": (lambda value: value in ("adam", "sgd", "adamw"), "'adam', 'sgd' or 'adamw'"),
    "lr": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "momentum": (lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1"),
    "weight_decay": (lambda value: _is_number(value) and value >= 0, "a number of at least 0"),
    "beta2": (lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1"),
    "warm_up": (
        lambda value: value is None or _is_number(value) and 0 < value <= 1,
        "a number above 0, up to 1, or None",
    ),
    "optimiser_state": (lambda value: value in ("keep", "reset"), "'keep' or 'reset'"),
    "fixed_compute": (lambda value: isinstance(value, bool), "True or False"),
    "precision": (lambda value: value in ("float32", "tf32", "bf16"), "'float32', 'tf32' or 'bf16'"),
}
