"""The strategies that metrics are defined by: no other is named outside strategies/ and avalanche/."""

NAIVE = "naive"  # fine-tuning alone: 0 of `recovered`
JOINT = "joint"  # retraining from scratch in k times the steps: 100 of `recovered`
JOINT_EQUAL = "joint_equal"  # the same in as many steps as all others have
REFERENCES = (NAIVE, JOINT, JOINT_EQUAL)  # in the order in which tables have them


def place_of(name: str) -> int:
    """Where a strategy stands in its family: these first, all others behind them."""
    return REFERENCES.index(name) if name in REFERENCES else len(REFERENCES)
