"""The cost sheet: what a run costs, under the names that records, tables and baselines use."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """One line of the sheet. `adds_up`: the groups of a record add up and a seed has its share; else the
    largest counts. `exact`: the same number on every machine, so a check compares it. `measured`: by a clock
    or a counter of the machine, for a group of seeds together. `derived`: follows from other records, so it
    is computed when shown and never stored."""

    name: str
    title: str
    unit: str
    description: str
    adds_up: bool = True
    exact: bool = False
    measured: bool = False
    derived: bool = False


COSTS: dict[str, Cost] = {
    cost.name: cost
    for cost in [
        Cost(
            "train_s",
            "train",
            "s",
            "wall-clock of training, a method's own extra passes included",
            measured=True,
        ),
        Cost("eval_s", "evaluation", "s", "wall-clock of evaluation", measured=True),
        Cost("setup_s", "set-up", "s", "wall-clock of data and model set-up", measured=True),
        Cost(
            "looks_s",
            "looks",
            "s",
            "wall-clock of curves and predictions, part of no other figure",
            measured=True,
        ),
        Cost(
            "probe_s",
            "probe",
            "s",
            "wall-clock of looks into tasks (--probe), part of no other figure",
            measured=True,
        ),
        Cost(
            "gpu_hours",
            "GPU hours",
            "h",
            "training and evaluation hours times devices used; none on a CPU",
            measured=True,
        ),
        Cost("cpu_hours", "CPU hours", "h", "process CPU time of a run without a GPU", measured=True),
        Cost(
            "energy_wh",
            "energy",
            "Wh",
            "of the GPU by its own counter (NVML), less what it draws when idle; on a CPU of its packages "
            "(RAPL), idle and other programs included; none without a counter",
            measured=True,
        ),
        Cost("steps", "steps", "", "optimiser steps", exact=True),
        Cost(
            "samples_seen",
            "samples seen",
            "",
            "examples that went through a backward pass, replayed ones included",
            exact=True,
        ),
        Cost("flops", "FLOPs", "", "counted forward and backward FLOPs, extra passes included", exact=True),
        Cost(
            "peak_mb",
            "peak memory",
            "MB",
            "peak device memory; on Linux CPUs the peak resident set",
            measured=True,
            adds_up=False,
        ),
        Cost(
            "memory_items", "stored items", "", "stored examples, or their equivalent, at the end", exact=True
        ),
        Cost(
            "memory_bytes", "kept", "bytes", "stored examples and all else beyond the plain model at the end"
        ),
        Cost("extra_params", "extra parameters", "", "parameters beyond the plain model at the end"),
        Cost(
            "predict_flops",
            "FLOPs of a prediction",
            "",
            "counted FLOPs to score one example once all tasks are learnt",
        ),
        Cost(
            "predict_ms",
            "prediction",
            "ms",
            "wall-clock to score one example alone; on a GPU a seed's share of its group's",
            measured=True,
        ),
        Cost(
            "predict_batch_ms",
            "prediction in a batch",
            "ms",
            "the same for each example of a batch of 128",
            measured=True,
        ),
        Cost(
            "labels",
            "labels asked for",
            "",
            "share of the training labels that a method asks for; none: it is given all of them",
            adds_up=False,
        ),
        Cost(
            "moved",
            "weights moved",
            "",
            "share of the network's weights that an update changes, mean over all tasks but the first",
            derived=True,
        ),
        Cost(
            "recovery_steps",
            "recovery",
            "steps",
            "steps after a switch until older tasks are back at 95 % of what they were; none: after one they "
            "are not (--probe)",
            derived=True,
        ),
        Cost(
            "steps_to_target",
            "to target",
            "steps",
            "steps of the run until all tasks are at 95 % of joint's ACC; none: a seed never is (--probe)",
            derived=True,
        ),
        Cost(
            "gflops_to_target",
            "to target",
            "GFLOPs",
            "the same in FLOPs of the run, in proportion to its steps (--probe)",
            derived=True,
        ),
        Cost(
            "growth",
            "growth",
            "",
            "parameters in use after the last task / those after the first; none: they are the same",
            derived=True,
        ),
        Cost(
            "retraining_saved",
            "retraining saved",
            "",
            "1 - FLOPs of the strategy / FLOPs of retraining",
            derived=True,
        ),
    ]
}
SECONDS = ("setup_s", "train_s", "eval_s")  # the clock's
EXACT = tuple(cost.name for cost in COSTS.values() if cost.exact)
