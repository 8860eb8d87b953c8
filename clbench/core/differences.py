"""Where two nested settings differ."""

from collections.abc import Mapping
from typing import Any


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
