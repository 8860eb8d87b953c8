"""Weight aligning, WA (Zhao et al. 2020, "Maintaining discrimination and fairness in class incremental
learning", equations 8 to 10).

    w_c <- gamma w_c  for the classes c of task k,   gamma = mean_old |w_c| / mean_new |w_c|      when k ends
w_c: the last layer's weights of class c. Classes seen last have the longest ones and so take what belongs to
others; afterwards old and new ones are as long in the mean. The next task starts from there. The paper has it
behind replay and distillation, which is `er+lwf+wa`.
Differs: the paper also clips the last layer's weights to be positive in every step, PyCIL does not; PyCIL,
too, leaves biases alone, and weighs its distillation by the share of old classes, at T = 2. The optimiser's
state stays. Where replay holds the classes in balance already there is little to align: on split MNIST,
quick, `er` .896, `er+wa` .895. Cost: none."""

import torch

from clbench.core.part import Network, Part, Stream


class WA(Part):
    paper = "Zhao et al. 2020"
    protects = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario != "class":
            return "aligns classes of different tasks, which compete in class-incremental streams only"
        return None if "head.weight" in net.layout.shapes else f"{net} has no linear last layer"

    @torch.no_grad()
    def after_task(self, t: int) -> None:
        if t == 0:
            return
        tasks, learner = self.run.stream.tasks, self.run.learner
        old = torch.stack([task.classes for task in tasks[:t]]).any(0)  # [C]
        new = tasks[t].classes & ~old  # a class that comes back is old
        w = learner.net.layout.views(learner.theta).get("head.weight")  # [S, C, h]; none in columns
        if w is None or not new.any():
            return
        length = w.norm(dim=-1)  # [S, C]
        gamma = length[:, old].mean(-1) / length[:, new].mean(-1)
        w[:, new] *= gamma.view(-1, 1, 1)
