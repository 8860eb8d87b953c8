"""Head only: after the first task the body is frozen and only the last layer learns.

On pairs: the last layers of both towers, the temperature, and the vectors of words that the first slice did
not have. The cheap fine-tuning of an otherwise fixed model: it forgets what the head forgets, and learns what
the features of the first task allow."""

from torch import Tensor

from clbench.core.batch import Batch
from clbench.core.part import Part
from clbench.streams.stream import OfTexts


class HeadOnly(Part):
    keeps = "which weights are frozen"
    freezes = learns_pairs = True

    def before_task(self, t: int, plan: Batch) -> Batch:
        layout = self.run.learner.net.layout
        if t == 0:
            self.body = layout.flat(
                {name: self.in_body(name, shape) for name, shape in layout.shapes.items()}
            )
        if t == 1:
            self.run.learner.freeze(self.body.to(plan.samples.device))
        return plan

    def in_body(self, name: str, shape: tuple[int, ...]) -> bool | Tensor:
        """Whether these parameters are; of a table of word vectors, whether each row is."""
        layout, stream = self.run.learner.net.layout, self.run.stream
        if name in layout.tables and isinstance(stream, OfTexts):
            return stream.words_of(0, shape[0]).unsqueeze(1).cpu()
        return name not in layout.head
