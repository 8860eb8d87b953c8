"""A network for every task (van de Ven et al. 2022): nothing is forgotten, and nothing is handed on.

    theta_k = train(theta_k,0, D_k);  answer for task k: with theta_k
theta_k,0 are fresh initial weights; those of the first task are row 0's, so that its task is the naive one.
A task that has not been learnt is answered with row 0's too. Needs the task at test time. Kept: T networks.
*Differs:* the networks are of full width; in the paper they are narrower, so that all of them together are as
large as the one network of the other methods."""

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.keyed import draw
from clbench.core.part import Network, Part, Run, Stream


class Separate(Part):
    paper = "van de Ven et al. 2022"
    keeps = "a network a task"
    needs_task_label = True
    retrains = True

    def supports(self, stream: Stream, net: Network) -> str | None:
        return None if stream.scenario == "task" else "needs the task label at test time"

    def parameters(self, t: int) -> int:
        return (t + 1) * self.run.learner.net.layout.parameters

    def start(self, run: Run) -> None:
        tasks = len(run.stream.tasks)
        self.nets = run.learner.initial.unsqueeze(1).repeat(1, tasks, 1)  # [S, T, P]

    def before_task(self, t: int, plan: Batch) -> Batch:
        learner = self.run.learner
        learner.initial.copy_(draw(self.run.seeds, "init", t, learner.net.init))  # where the engine starts
        return plan

    def after_task(self, t: int) -> None:
        self.nets[:, t] = self.run.learner.theta.detach()

    def predict(self, x: Tensor, t: int) -> Tensor:
        return self.run.learner.outputs(x, self.nets[:, t])
