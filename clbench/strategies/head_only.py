"""Head only: after the first task the body is frozen and only the last layer learns.

The cheap fine-tuning of an otherwise fixed model: it forgets what the head forgets, and learns what the features of
the first task allow."""
from clbench.engine.part import Part
from clbench.stream import Batch


class HeadOnly(Part):
    def before_task(self, t: int, plan: Batch) -> Batch:
        if t == 1:
            layout = self.run.learner.net.layout
            self.run.learner.freeze(
                layout.flat({name: not name.startswith("head") for name in layout.shapes}).to(plan.samples.device))
        return plan
