"""What a run leaves behind beside its record, where it is asked to: models, curves, predictions, logs."""
