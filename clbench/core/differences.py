"""Where two nested settings differ."""

from collections.abc import Mapping
from typing import Any


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """As `changed_fields`, of a record's settings.

    An argument of a strategy that `before` does not name came later. A spec that does not name it either
    means what it meant if the numbers are the same: the source code and the numbers tell, not the setting.
    """
    known = before.get("strategy", {})
    strategies = {
        name: {key: value for key, value in own.items() if key in known.get(name, own)}
        for name, own in after.get("strategy", {}).items()
    }
    return changed_fields(before, {**after, "strategy": strategies} if strategies else after)


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
