"""Where two nested settings differ."""

from collections.abc import Mapping
from typing import Any


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """As `changed_fields`, of the settings of two records, but for `new_arguments`: whether those change
    anything, the numbers tell."""
    new, strategies = new_arguments(before, after), after.get("strategy", {})
    without = {
        name: {key: own[key] for key in own if (name, key) not in new} for name, own in strategies.items()
    }
    return changed_fields(before, {**after, "strategy": without} if strategies else after)


def new_arguments(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """(strategy, argument) -> value, of the arguments that a strategy has got since `before` was made."""
    known = before.get("strategy", {})
    return {
        (name, key): value
        for name, own in after.get("strategy", {}).items()
        for key, value in own.items()
        if key not in known.get(name, own)
    }


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[str]:
    """'optimiser.lr 0.1 -> 0.2' for every leaf that differs."""
    changes = []
    for key in [*before, *(key for key in after if key not in before)]:
        old, new = before.get(key, "absent"), after.get(key, "absent")
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += changed_fields(old, new, f"{path}{key}.")
        elif old != new:
            changes.append(f"{path}{key} {old} -> {new}")
    return changes
