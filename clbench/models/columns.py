"""The network of progressive networks (Rusu et al. 2016): a column per task that reads those before it."""

from typing import cast

import torch
from torch import Tensor, nn

from clbench.models.network import OfBlocks


class Columns(nn.Module):
    """One column per set of classes, each with a head for these; outputs [n, C] for all classes.

    `last` is the column that is trained or that answers. Columns before it run in evaluation mode and get
    no gradient. Columns after it are not computed, and their outputs are 0.
    """

    def __init__(self, net: OfBlocks, heads: list[list[int]]) -> None:
        """heads: the classes of each column."""
        super().__init__()
        self.last = len(heads) - 1
        self.start, self.end = net.start(), net.end()
        self.columns = nn.ModuleList(self._column(net, k, len(head)) for k, head in enumerate(heads))
        by_column = torch.tensor([c for head in heads for c in head])
        self.order = by_column.argsort()  # puts the outputs in the order of the classes

    @staticmethod
    def _column(net: OfBlocks, k: int, outputs: int) -> nn.ModuleList:
        """The blocks and the head of column k. From the second layer on they read k + 1 columns."""
        read = [net.inputs, *((k + 1) * width for width in net.widths)]
        blocks = [net.block(*sizes) for sizes in zip(read, net.widths, strict=False)]
        return nn.ModuleList([*blocks, nn.Linear(read[-1], outputs)])

    def train(self, mode: bool = True) -> "Columns":
        """As nn.Module has it, but the columns before the last stay in evaluation mode."""
        super().train(mode)
        for column in self.columns[: self.last]:
            column.train(False)
        return self

    def forward(self, x: Tensor) -> Tensor:
        x = self.start(x)
        # By layer: what the columns before computed there.
        below: list[list[Tensor]] = [[] for _ in cast(nn.ModuleList, self.columns[0])[:-1]]
        out = []
        for k, column in enumerate(self.columns):
            *blocks, head = cast(nn.ModuleList, column)
            assert isinstance(head, nn.Linear)
            if k > self.last:
                out.append(x.new_zeros(len(x), head.out_features))
                continue
            h = x
            for block, columns in zip(blocks, below, strict=True):
                h = block(h)
                columns.append(h if k == self.last else h.detach())
                h = torch.cat(columns, 1)
            out.append(head(self.end(h)))
        self.order = self.order.to(x.device)  # once: a captured step cannot wait for the host
        return torch.cat(out, 1)[:, self.order]
