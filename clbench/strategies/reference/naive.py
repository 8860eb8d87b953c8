"""Naive fine-tuning: cross-entropy on the current task, nothing else. The lower reference."""

from clbench.core.part import Part


class Naive(Part):
    learns_pairs = True
