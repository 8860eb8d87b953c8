"""Avalanche's strategies as rows: one class each, and nothing else to write for a new one.

A class with a `name` is a row: its fields are the arguments of a spec, `build` makes the strategy. Only there is
Avalanche imported, so that lists stay instant. What the variants do was measured on Avalanche 0.6.
"""
from dataclasses import dataclass


class Row:
    """What the runner asks of a row; override what differs."""

    order = "ours"                   # ours: the native strategies' batches | own: Avalanche's, keyed by seed and task
    sees_all_data = False            # may read data of other tasks that it has not stored
    retrains = False                 # at task k a fresh strategy learns from the initial weights, in k times the steps
    extra_cost = None                # of a step, in passes: not known, so fixed compute is refused

    def supports(self, stream, net) -> str | None:
        """None, or the reason why this strategy cannot learn this stream with this network."""
        return None if stream.views is None else "Avalanche's loaders are given the images as they are, without augmentation"

    def build(self, common: dict):
        """The Avalanche strategy. `common` holds the arguments that all of them share: model, optimizer, plugins, …"""
        raise NotImplementedError

    def memory_items(self, strategy) -> int:
        """Stored examples."""
        return 0

    def extra_params(self, strategy) -> int:
        """Parameters kept beyond the plain network."""
        return 0


class Naive(Row):
    """Avalanche's Naive: plain training on one task after the other.

    The same as `naive` up to rounding."""
    name = "avalanche_naive"

    def build(self, common: dict):
        from avalanche.training import supervised
        return supervised.Naive(**common)


class Joint(Row):
    """Avalanche's JointTraining, once for the tasks 1..k at every k, in k N steps: a retraining reference.

    The same as `joint` up to rounding. Avalanche itself trains once, on the whole stream."""
    name = "avalanche_joint"
    sees_all_data = True
    retrains = True

    def build(self, common: dict):
        from avalanche.training import supervised
        return supervised.JointTraining(**common)


@dataclass
class Replay(Row):
    """Avalanche's Replay: B current and B stored examples in every step.

    As in `er` the memory holds as many examples of every task, filled when the task ends, and all rows of a batch count
    alike. Differs: passes end with a short batch, of the memory (B = 32 from 100 examples: 32, 32, 32, 4) and of the
    task's own data; the batches are drawn by Avalanche."""
    memory: int = 500                # examples kept

    name = "avalanche_replay"
    order = "own"

    def supports(self, stream, net) -> str | None:
        tasks = len(stream.tasks)
        if self.memory < tasks:
            return f"memory={self.memory} is smaller than the number of tasks, {tasks}"
        return super().supports(stream, net)

    def build(self, common: dict):
        from avalanche.training import supervised
        return supervised.Replay(**common, mem_size=self.memory)

    def memory_items(self, strategy) -> int:
        return len(_plugin(strategy, "storage_policy").storage_policy.buffer)


@dataclass
class EWC(Row):
    """Avalanche's EWC, mode "separate": an importance and an anchor for every past task.

    loss = CE + ewc_lambda sum_k sum_i F_k,i (theta_i - theta*_k,i)^2
    Differs from the paper and `ewc`: no 1/2, and F is the mean over batches of the squared gradient of the *batch
    mean*, with the true labels. With B = 32 on digits it sums to 0.068 of the Fisher by examples: lambdas don't carry
    over from `ewc`, nor between batch sizes. The more tasks there were, the more a step costs."""
    ewc_lambda: float = 1.0          # as in Avalanche's continual-learning-baselines; Avalanche itself has no default

    name = "avalanche_ewc"

    def build(self, common: dict):
        from avalanche.training import supervised
        return supervised.EWC(**common, ewc_lambda=self.ewc_lambda, mode="separate")

    def extra_params(self, strategy) -> int:
        plugin = _plugin(strategy, "importances")
        return sum(kept.data.numel() for tasks in (plugin.importances, plugin.saved_params)
                   for parameters in tasks.values() for kept in parameters.values())


@dataclass
class LwF(Row):
    """Avalanche's LwF: distillation from the network at the end of the last task.

    loss = CE + alpha sum_heads KL(softmax(teacher / T) || softmax(student / T))
    Differs from `lwf`: no factor T^2, so at T = 2 alpha weighs a quarter of `lam`."""
    alpha: float = 1.0               # strength of the distillation
    temperature: float = 2.0         # T

    name = "avalanche_lwf"

    def build(self, common: dict):
        from avalanche.training import supervised
        return supervised.LwF(**common, alpha=self.alpha, temperature=self.temperature)

    def extra_params(self, strategy) -> int:
        return sum(parameter.numel() for parameter in _plugin(strategy, "lwf").lwf.prev_model.parameters())


def _plugin(strategy, attribute: str):
    """The plugin of the strategy that has this attribute."""
    return next(plugin for plugin in strategy.plugins if hasattr(plugin, attribute))
