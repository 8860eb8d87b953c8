"""Avalanche's SynapticIntelligence.

    loss = CE + si_lambda / 2 sum_i Omega_i (theta_i - theta*_i)^2
    Omega_i <- min(.001, Omega_i + omega_i / ((theta_i - theta*_i)^2 + eps))      when a task ends
Differs from `si`: the 1/2, eps = 1e-7, Omega cut off at .001 from above and free to be negative, and a path
integral of the gradient *with* the penalty.

Shim: on a CPU Avalanche takes a view of the weights for a copy, so that their change within a step is 0 and
SI is Naive bit for bit; here the weights are copied."""

from dataclasses import dataclass

from clbench.avalanche.row import Row, plugin_with
from clbench.core.ranges import NotNegative, Positive


@dataclass
class SI(Row):
    si_lambda: NotNegative = 1.0
    eps: Positive = 1e-7
    tunes = {"si_lambda": (1e-3, 1e5, "log")}
    family = "regularisation"
    paper = "Zenke et al. 2017"
    keeps = "importances, path and anchor"
    shim = "weights are copied where Avalanche keeps a view of them on a CPU"

    def prepare(self) -> None:
        import torch
        from avalanche.training.plugins import SynapticIntelligencePlugin as Plugin

        @torch.no_grad()
        def extract_weights(model, target, excluded) -> None:
            for name, parameter in Plugin.allowed_parameters(model, excluded):
                target[name].data = parameter.detach().cpu().flatten().clone()

        Plugin.extract_weights = staticmethod(extract_weights)

    def copied(self) -> dict:
        return {"c": self.si_lambda / 2, "xi": self.eps, "path": "loss", "cut": "above"}

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        return supervised.SynapticIntelligence(**common, si_lambda=self.si_lambda, eps=self.eps)

    def extra_params(self, strategy) -> int:
        plugin = plugin_with(strategy, "syn_data")
        kept = [*plugin.ewc_data, plugin.syn_data["cum_trajectory"]]
        return sum(one.data.numel() for by_name in kept for one in by_name.values())
