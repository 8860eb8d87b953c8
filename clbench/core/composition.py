"""Which strategies `+` can join: what two classes say of themselves that does not go together."""

from collections.abc import Sequence
from itertools import combinations

# What only one part of a spec can do: the hook or declaration of a part -> what that is.
ONLY_ONE = {
    "network": "replace the network",
    "data_losses": "replace the data term",
    "predict": "replace the prediction",
    "choose_samples": "choose which samples a task trains on",
    "freezes": "choose which weights learn",
    "splits_plan": "train on a part of the plan when the task ends",
}


def conflict(parts: Sequence[tuple[str, type]]) -> str | None:
    """None, or one line that names two of the parts (name, class) that cannot be joined, and why."""
    for (name, cls), (other, other_cls) in combinations(parts, 2):
        if cls is other_cls:
            return f"{name} stands there twice: leave one out"
        for attribute, what in ONLY_ONE.items():
            if _says(cls, attribute) and _says(other_cls, attribute):
                return f"{name} and {other} both {what}: leave one out"
        reason = _undone(name, cls, other, other_cls) or _undone(other, other_cls, name, cls)
        if reason:
            return reason
    return None


def _undone(name: str, cls: type, other: str, other_cls: type) -> str | None:
    """What the first part leaves nothing of in the second, or None."""
    if _says(cls, "retrains") and _says(other_cls, "freezes"):
        return f"{name} starts every task from the initial weights, so nothing that {other} fixes stays"
    if _says(cls, "separates_tasks") and _says(other_cls, "protects"):
        return f"{name} learns no weight that earlier tasks use, so {other} has nothing to protect"
    if getattr(cls, "labels", None) is not None and (
        _says(other_cls, "stores") or _says(other_cls, "sees_all_data")
    ):
        return f"{name} asks for few labels, and {other} reads those of any example"
    if _says(cls, "learns_first_task_only") and _is_method(other_cls):
        return (
            f"{name} learns the first task as plain training does and then takes no step: leave {other} out"
        )
    return None


def _is_method(cls: type) -> bool:
    """Whether a part is a method of its own, and does more than to look on: by what it says of itself, since
    lists have read a class from its file and not imported it."""
    return _says(cls, "keeps") or _says(cls, "paper")


def _says(cls: type, attribute: str) -> bool:
    """Whether a part's class has the optional hook, or declares that much."""
    return bool(getattr(cls, attribute, None))
