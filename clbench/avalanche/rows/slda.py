"""Avalanche's StreamingLDA: linear discriminant analysis of features that do not learn, row by row.

    score_c = m_c' L x - m_c' L m_c / 2,    L = ((1 - shrinkage) S + shrinkage I)^-1
Differs from `slda`: the features are those of the initial weights, where ours learns the first task and the
paper takes a pretrained body; S starts from ones. Rows are walked through as often as the steps ask."""

from dataclasses import dataclass

from clbench.avalanche.row import Row
from clbench.core.ranges import PositiveShare


@dataclass
class SLDA(Row):
    shrinkage: PositiveShare = 1e-4
    tunes = {"shrinkage": (1e-6, 1.0, "log")}
    family = "representation"
    paper = "Hayes & Kanan 2020"
    keeps = "class means and a covariance"

    def build(self, common: dict, stream):
        from avalanche.training import supervised

        from clbench.avalanche.adapt import body_and_head

        body, head = body_and_head(common.pop("model"))
        common.pop("optimizer")
        return supervised.StreamingLDA(
            slda_model=body,
            input_size=head.in_features,
            num_classes=stream.classes,
            shrinkage_param=self.shrinkage,
            **common,
        )

    def scores(self, strategy, x, t):
        return strategy.predict(strategy.model(x))

    def weights(self, strategy):
        return [strategy.muK, strategy.Sigma]

    def extra_params(self, strategy) -> int:
        return strategy.muK.numel() + strategy.Sigma.numel()
