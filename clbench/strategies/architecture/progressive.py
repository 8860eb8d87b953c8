"""Progressive networks (Rusu et al. 2016, equation 1): a new column for every task, which also reads the
frozen ones.

    h_i^k = relu(W_i^k h_{i-1}^k + sum_{j<k} U_i^{k:j} h_{i-1}^j);   column k answers for task k
Needs the task at test time. Differs: the lateral connections are plain, without the paper's adapters. The
columns of all tasks lie in theta from the start; while task k is learnt, those after k are not computed and
no gradient goes into those before. Cost: T columns, whose layers widen with k; k forward passes and one back
in each step."""

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Network, Part, Stream
from clbench.models.columns import Columns
from clbench.models.functional import Functional
from clbench.models.network import OfBlocks
from clbench.strategies.parts.new_classes import why_no_new_classes


class Progressive(Part):
    paper = "Rusu et al. 2016"
    keeps = "a column of weights a task"
    needs_task_label = True
    freezes = separates_tasks = True
    extra_cost = None  # type: ignore[assignment]    # how much is not known

    def supports(self, stream: Stream, net: Network) -> str | None:
        if stream.scenario != "task":
            return "needs the task label at test time"
        if not isinstance(net, OfBlocks):
            return f"{net} is not built of blocks that columns could connect"
        return why_no_new_classes(stream)

    def network(self, stream: Stream, net: OfBlocks) -> Functional:
        heads = [task.classes.nonzero().flatten().tolist() for task in stream.tasks]
        self.columns = Columns(net, heads)
        return Functional(self.columns, f"{len(heads)} columns of {net}")

    def before_task(self, t: int, plan: Batch) -> Batch:
        self.columns.last, layout = t, self.run.learner.net.layout
        frozen = {name: not name.startswith(f"columns.{t}.") for name in layout.shapes}
        self.run.learner.freeze(layout.flat(frozen).to(plan.samples.device))
        return plan

    def predict(self, x: Tensor, t: int) -> Tensor:
        last, self.columns.last = self.columns.last, t
        out = self.run.learner.outputs(x)
        self.columns.last = last
        return out

    def parameters(self, t: int) -> int:
        """Of the columns of the tasks up to t."""
        return sum(weight.numel() for weight in self.columns.columns[: t + 1].parameters())
