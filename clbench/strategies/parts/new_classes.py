"""Whether every task brings classes that no task before it had."""

import torch

from clbench.core.part import Stream


def why_no_new_classes(stream: Stream) -> str | None:
    """None, or that a class is in several tasks."""
    tasks_of_a_class = torch.stack([task.classes for task in stream.tasks]).sum(0)
    return "every task has to bring new classes; here one comes back" if tasks_of_a_class.max() > 1 else None
