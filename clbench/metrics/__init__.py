"""Turns accuracies into metrics, metrics into intervals, and intervals into verdicts."""
