"""CLIP models of the library open_clip (Radford et al. 2021; Ilharco et al. 2021), untrained or from a checkpoint."""
import hashlib
import logging
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from clbench.errors import InputError, Unavailable
from clbench.models.dual_encoder import Towers
from clbench.models.functional import Functional
from clbench.models.layers import Pictures


class OpenClip(Functional):
    """Embeddings of length 1 of images and tokens, the images' times the model's scale (1 / temperature).

    name: a model of open_clip, or the JSON file of a configuration such as open_clip's own. weights: a checkpoint, where every
    seed starts; None: every seed starts untrained. The matrices that end both towers are the head, the rest is the body.
    """

    kind = "clip"

    def __init__(self, name: str, weights: str | None = None):
        self.name, self.weights, towers = name, weights, made(name, weights)
        height, width = image_size(name)
        self.inputs, self.widths = (height, width, 3), tuple(towers.get_parameter("head.left.matrix").shape[1:])
        super().__init__(towers, f"{name} of open_clip, {f'weights {_digest(weights)}' if weights else 'untrained'}")

    def init(self, generator: torch.Generator) -> Tensor:
        towers = self._module
        if not self.weights:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(generator.initial_seed())                  # open_clip draws from torch's own generator
                towers = made(self.name)
        return self.layout.flat({name: tensor.detach() for name, tensor in self._named(towers)})


def library() -> Any:
    try:
        import open_clip
    except ImportError:
        raise Unavailable("open_clip is not installed: pip install 'clbench[clip]'") from None
    return open_clip


def configuration(name: str) -> dict[str, Any]:
    """What open_clip knows of a model. Raises InputError for one that it does not know or whose towers are not its own."""
    known = library()
    if name.endswith(".json"):
        if not Path(name).is_file():
            raise InputError(f"{name} is not there: model= takes a model of open_clip, or the JSON file of one")
        known.add_model_config(name)
    found = known.get_model_config(_called(name))
    if found is None:
        raise InputError(f'open_clip has no model "{name}"; open_clip.list_models() names those that it has')
    vision, text = found["vision_cfg"], found["text_cfg"]
    if {"timm_model_name", "hf_model_name", "multimodal_cfg"} & {*found, *vision, *text} or not isinstance(vision["layers"], int):
        raise InputError(f"{name}: only open_clip's own vision and text transformers are taken, such as ViT-B-32")
    return found


def image_size(name: str) -> tuple[int, int]:
    """(height, width) of its images."""
    size = configuration(name)["vision_cfg"].get("image_size", 224)
    return (size, size) if isinstance(size, int) else tuple(size)


def context_length(name: str) -> int:
    """Tokens of a text."""
    return configuration(name)["text_cfg"].get("context_length", 77)


def made(name: str, weights: str | None = None) -> Towers:
    """Its two towers, the matrices at their ends apart."""
    if weights and not Path(weights).is_file():
        raise InputError(f"{weights} is not there: weights= takes a checkpoint on this machine")
    configuration(name)
    logging.disable(logging.WARNING)                 # that an untrained model has no weights needs no warning
    try:
        model = library().create_model(_called(name), pretrained=weights, force_custom_text=True)
    except (RuntimeError, ValueError, KeyError, UnpicklingError) as error:
        raise InputError(f"{name} from {weights}: {str(error).splitlines()[0]}") from error
    finally:
        logging.disable(logging.NOTSET)
    visual, text = model.visual, model.text
    left, right = (Projection(matrix) for matrix in (visual.proj, text.text_projection))
    visual.proj = text.text_projection = None
    pixels = Normalised((*visual.image_size, 3), visual.image_mean, visual.image_std)
    towers = Towers(Side(nn.Sequential(pixels, visual), left), Side(Tokens(text), right))
    towers.head.log_scale = model.logit_scale
    return towers


class Side(NamedTuple):
    body: nn.Module
    head: nn.Module


class Projection(nn.Module):
    def __init__(self, matrix: nn.Parameter):
        super().__init__()
        self.matrix = matrix

    def forward(self, features: Tensor) -> Tensor:
        return features @ self.matrix


class Normalised(Pictures):
    """Images of bytes [n, height * width * 3] as the model's own training had them."""

    def __init__(self, shape: tuple[int, int, int], mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__(shape)
        self.channels = list(zip(mean, std, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        channels = super().forward(x).float().div(255).unbind(1)
        return torch.stack([(one - mean) / std for one, (mean, std) in zip(channels, self.channels, strict=True)], 1)


class Tokens(nn.Module):
    """The text tower. Its causal mask is a constant, and running statistics are what buffers are here: so it is none."""

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.text, self.causal = text, text.attn_mask is not None
        text._buffers.pop("attn_mask", None)

    def forward(self, tokens: Tensor) -> Tensor:
        n = self.text.num_pos
        self.text.attn_mask = torch.full((n, n), -torch.inf, device=tokens.device).triu(1) if self.causal else None
        return self.text(tokens)


def _called(name: str) -> str:
    return Path(name).stem if name.endswith(".json") else name


def _digest(path: str) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]
