"""Budget: what a task may cost, the same for every strategy, and the optimiser that spends it."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Literal

from msgspec import Meta

from clbench.core import ranges
from clbench.core.ranges import NotNegative, Positive, PositiveShare, Rows, SmallerShare
from clbench.errors import InputError

Steps = Annotated[int, Meta(ge=1, le=10**8)]
Epochs = Annotated[int, Meta(ge=1, le=10**5)]
Decay = Annotated[float, Meta(gt=0, lt=1)]
OptimiserName = Literal["adam", "sgd", "adamw"]
State = Literal["keep", "reset"]
Precision = Literal["float32", "tf32", "bf16"]
Remainder = Literal["carry", "drop"]
LATER = {"epochs": None, "remainder": "carry"}  # fields that older records lack, and what they say there


@dataclass(frozen=True)
class Budget:
    """What one task may cost, the same for every strategy, and the optimiser that spends it."""

    steps: Steps  # N, optimiser steps per task
    rows: Rows = 128  # B, new examples per step
    optimiser: OptimiserName = "adam"
    lr: Positive = 1e-3
    momentum: SmallerShare = 0.0  # of sgd
    weight_decay: NotNegative = 0.0  # adamw takes it off the weights; adam and sgd add it to the gradient
    beta2: Decay = 0.999  # of adam and adamw
    warm_up: PositiveShare | None = (
        None  # share of steps in which lr rises; then it falls to 0. None: constant
    )
    optimiser_state: State = "keep"  # what becomes of it between tasks
    fixed_compute: bool = False  # whether a method pays in steps for what it computes besides them
    precision: Precision = "float32"
    # With `epochs` a task's steps follow from its data; `steps` is then about what the longest one takes, for
    # what a run is expected to need.
    epochs: Epochs | None = None  # passes over the data that a task trains on; None: `steps` says it
    remainder: Remainder = "carry"  # rows of a pass that fill no batch: begin the next pass, or are left out

    def __post_init__(self) -> None:
        """Raises InputError for the first value that makes no sense."""
        ranges.check(self)
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
        if self.fixed_compute and self.epochs:
            raise InputError("fixed_compute is paid in steps; epochs fixes passes: leave one of them out")

    def steps_over(self, examples: int, rows: int | None = None) -> int:
        """How many steps a task takes that trains on so many examples, so many rows (None: `rows`) a step."""
        if self.epochs is None:
            return self.steps
        rows = rows or self.rows
        of_pass = examples // rows if self.remainder == "drop" else -(-examples // rows)
        return self.epochs * max(1, of_pass)

    def used_of_pass(self, examples: int, rows: int) -> int:
        """How many of these examples a pass shows, with so many rows a step."""
        return examples - examples % rows or examples if self.remainder == "drop" else examples

    def settings(self) -> dict[str, Any]:
        """The fields, as a record has them: those that came later only where they say something."""
        return {key: value for key, value in asdict(self).items() if (key, value) not in LATER.items()}

    def plan_bytes(self, rows: int | None = None) -> int:
        """What a plan of so many rows a step (None: of the new ones) takes for a task and a seed: three whole
        numbers each."""
        return 24 * self.steps * (self.rows if rows is None else rows)

    def with_fields(self, **fields: Any) -> "Budget":
        """The budget with these fields instead.

        Another optimiser does not take over what it has no use for.
        """
        optimiser = fields.get("optimiser", self.optimiser)
        defaults: dict[str, Any] = {}
        if optimiser != self.optimiser:
            defaults = {"beta2": 0.999} if optimiser == "sgd" else {"momentum": 0.0}
        return replace(self, **defaults | fields)
