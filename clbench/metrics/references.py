"""The strategies that metrics are defined by: no other is named outside strategies/ and avalanche/."""

NAIVE = "naive"                      # fine-tuning alone: 0 of `recovered`
JOINT = "joint"                      # retraining from scratch on all data so far, in k times the steps: 100 of `recovered`
JOINT_EQUAL = "joint_equal"          # the same in as many steps as all others have
REFERENCES = (NAIVE, JOINT, JOINT_EQUAL)                  # in the order in which tables have them
