"""What every network has, and what some can do besides."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from clbench.core.batch import Batch
from clbench.core.layout import Layout
from clbench.core.pytree import Tree


class Network(Protocol):
    """A pure function of one seed's parameters theta [P]; the engine maps it over the seeds.

    `str(network)` is its name.

    Inputs x are what the stream gathers: [n, d], or both sides of n pairs. Outputs are what its `losses`
    and `score` take: [n, C], or both sides' embeddings. What the parameters are for, their names say: see
    `Layout`.

    What a network may have besides is one of the protocols below. Who needs it asks
    `isinstance(net, OfBlocks)`, and does without or refuses the network in `supports`. Only `HasBuffers` is
    asked for otherwise: by `net.layout.buffers`.
    """

    layout: Layout

    @property
    def kind(self) -> str:
        """Its row in the table of group sizes; a kind that is not there trains one seed at a time."""

    def init(self, generator: torch.Generator) -> Tensor:
        """The initial theta [P], on the CPU, drawn from this generator and from nothing else."""

    def features(self, theta: Tensor, x: Tree) -> Tree:
        """What the head reads: [n, h], of each side where there are two. As at evaluation."""

    def head(self, theta: Tensor, features: Tree) -> Tree:
        """The outputs of these features."""

    def __call__(self, theta: Tensor, x: Tree) -> Tree:
        """The outputs, head(features(x)), as at evaluation; in training too, where there are no buffers."""


@runtime_checkable
class HasBuffers(Protocol):
    """Keeps running statistics, which training moves: entries of theta at `layout.buffers`."""

    def train(self, theta: Tensor, x: Tree) -> tuple[Tree, Tensor]:
        """(the outputs with the batch's own statistics, the buffers [Q] as they become)."""


@runtime_checkable
class HasAside(Protocol):
    """Finds something on the way to its outputs that a loss term of training wants, and no other reader.

    Such a network has no buffers.
    """

    def with_aside(self, theta: Tensor, x: Tree) -> tuple[Tree, Tree]:
        """(the outputs, the rest), rows first; the rest comes to `Part.losses` as `batch.aside`."""


@runtime_checkable
class AsModule(Network, Protocol):
    """Has a form as a torch module, for libraries that want one."""

    def module(self, theta: Tensor) -> nn.Module:
        """The same network with these weights."""


@runtime_checkable
class OfBlocks(Protocol):
    """A chain start, block, …, block, end, linear layer: what columns of networks are made of."""

    inputs: int  # what the first block reads: numbers, or channels
    widths: tuple[int, ...]  # what each block gives

    def start(self) -> nn.Module:
        """From the stream's inputs to the first block's."""

    def block(self, inputs: int, outputs: int) -> nn.Module:
        """A block that reads and gives so many numbers or channels."""

    def end(self) -> nn.Module:
        """From what the last block gives to the inputs of a linear layer."""


@runtime_checkable
class OfLayers(Protocol):
    """Is made of linear and convolutional layers, and shows what each of them reads."""

    def inputs_of(self, theta: Tensor, x: Tensor) -> dict[str, Tensor]:
        """name of a layer, as in `name.weight` of the layout -> [n, fan in], what it reads of inputs x
        [n, d]; a convolution reads patches, [n x places, fan in], in the order of its weight [out, fan in]
        seen flat; a layer that reads tokens, [n x tokens, fan in]."""


@runtime_checkable
class OfTokens(Protocol):
    """Reads tokens, before which others may put some of their own."""

    token_width: int  # numbers of a token
    sides: tuple[int, ...]  # those of its inputs that it reads so; where there are no sides: side 0

    def features_behind(self, theta: Tensor, x: Tensor, prompts: Tensor, side: int) -> Tensor:
        """Features [n, h] of one side's inputs, with prompts [n, k, token_width] before their tokens. As at
        evaluation."""


@runtime_checkable
class OfEmbeddings(Network, Protocol):
    """Has two sides, the words of which it reads as vectors; it also takes these: net(theta, embed(theta, x))
    is net(theta, x). So learnt vectors can stand for texts, which are discrete."""

    @property
    def embedding(self) -> list[str]:
        """The names of the parameters that `embed` reads."""

    def embed(self, theta: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """What the towers read behind the embedding: a row [n, width] of floats of each side."""


@runtime_checkable
class GradientPowers(Protocol):
    """Knows a quicker way to powers of the rows' gradients than a pass back for each row."""

    def gradient_powers(
        self, theta: Tensor, rows: Batch, losses: Callable[[Any, Batch], Tensor], power: int
    ) -> Tensor:
        """[P]: the sum over rows of |gradient|^power of that row's own losses(outputs, rows) -> [n]."""
