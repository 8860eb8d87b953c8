"""Tuning by an equal rule: the same number of trials for every method, on held-out training data of the first
tasks."""
