"""CLIP models of the library open_clip (Radford et al. 2021; Ilharco et al. 2021), for streams of images
with texts.

They start untrained or from a checkpoint.
"""

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
    """Gives embeddings of length 1 of images and tokens, the images' ones times the model's scale (1 /
    temperature).

    name: a model of open_clip, or the JSON file of a configuration in open_clip's form. weights: a
    checkpoint from which every seed starts; None: every seed starts untrained. The projections that end
    both towers are the head; all else is the body.
    """

    kind = "clip"

    def __init__(self, name: str, weights: str | None = None):
        self.name, self.weights = name, weights
        towers = build_towers(name, weights)
        height, width = image_size(name)
        self.inputs = (height, width, 3)
        self.widths = tuple(towers.get_parameter("head.left.matrix").shape[1:])
        start = f"weights {_digest(weights)}" if weights else "untrained"
        super().__init__(towers, f"{name} of open_clip, {start}")

    def init(self, generator: torch.Generator) -> Tensor:
        """Initial theta [P]: the checkpoint's, or drawn anew as open_clip draws it."""
        towers = self._module
        if not self.weights:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(generator.initial_seed())  # open_clip draws from torch's own generator
                towers = build_towers(self.name)
        return self.layout.flat({name: tensor.detach() for name, tensor in self._named_tensors(towers)})


def import_open_clip() -> Any:
    """The library. Raises Unavailable where it is not installed."""
    try:
        import open_clip
    except ImportError:
        raise Unavailable("open_clip is not installed: pip install 'clbench[clip]'") from None
    return open_clip


def configuration(name: str) -> dict[str, Any]:
    """The configuration of a model, in open_clip's form.

    Raises InputError for a model that open_clip does not know, and for one whose towers are not open_clip's
    own transformers.
    """
    library = import_open_clip()
    if name.endswith(".json"):
        if not Path(name).is_file():
            raise InputError(
                f"{name} is not there: model= takes a model of open_clip, or the JSON file of one"
            )
        library.add_model_config(name)
    found = library.get_model_config(_model_name(name))
    if found is None:
        raise InputError(f'open_clip has no model "{name}"; open_clip.list_models() names those that it has')
    vision, text = found["vision_cfg"], found["text_cfg"]
    foreign = {"timm_model_name", "hf_model_name", "multimodal_cfg"} & {*found, *vision, *text}
    if foreign or not isinstance(vision["layers"], int):  # a ResNet has a list of layers
        raise InputError(
            f"{name}: only open_clip's own vision and text transformers are taken, such as ViT-B-32"
        )
    return found


def image_size(name: str) -> tuple[int, int]:
    """(height, width) of the images that the model takes."""
    size = configuration(name)["vision_cfg"].get("image_size", 224)
    return (size, size) if isinstance(size, int) else tuple(size)


def context_length(name: str) -> int:
    """How many tokens of a text the model takes."""
    return configuration(name)["text_cfg"].get("context_length", 77)


def build_towers(name: str, weights: str | None = None) -> Towers:
    """The model's two towers, with the projections at their ends as heads.

    Raises InputError for a bad checkpoint.
    """
    if weights and not Path(weights).is_file():
        raise InputError(f"{weights} is not there: weights= takes a checkpoint on this machine")
    configuration(name)
    logging.disable(logging.WARNING)  # open_clip warns of every untrained model
    try:
        model = import_open_clip().create_model(_model_name(name), pretrained=weights, force_custom_text=True)
    except (RuntimeError, ValueError, KeyError, UnpicklingError) as error:
        raise InputError(f"{name} from {weights}: {str(error).splitlines()[0]}") from error
    finally:
        logging.disable(logging.NOTSET)
    visual, text = model.visual, model.text
    left = Projection(visual.proj)
    right = Projection(text.text_projection)
    visual.proj = None
    text.text_projection = None
    pixels = StandardPictures((*visual.image_size, 3), visual.image_mean, visual.image_std)
    towers = Towers(Tower(nn.Sequential(pixels, visual), left), Tower(Tokens(text), right))
    towers.head.log_scale = model.logit_scale
    return towers


class Tower(NamedTuple):
    """One of the two towers, before they are joined."""

    body: nn.Module
    head: nn.Module


class Projection(nn.Module):
    """The matrix at the end of a tower."""

    def __init__(self, matrix: nn.Parameter):
        super().__init__()
        self.matrix = matrix

    def forward(self, features: Tensor) -> Tensor:
        return features @ self.matrix


class StandardPictures(Pictures):
    """Turns flat images of bytes into pictures, standardised as in the model's own training."""

    def __init__(self, shape: tuple[int, int, int], mean: tuple[float, ...], std: tuple[float, ...]):
        super().__init__(shape)
        self.channels = list(zip(mean, std, strict=True))

    def forward(self, x: Tensor) -> Tensor:
        channels = super().forward(x).float().div(255).unbind(1)
        standard = [(one - mean) / std for one, (mean, std) in zip(channels, self.channels, strict=True)]
        return torch.stack(standard, 1)


class Tokens(nn.Module):
    """The text tower.

    Its causal mask, a constant, is made in each pass: buffers here are running statistics.
    """

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.text = text
        self.causal = text.attn_mask is not None
        text._buffers.pop("attn_mask", None)

    def forward(self, tokens: Tensor) -> Tensor:
        n = self.text.num_pos
        self.text.attn_mask = None
        if self.causal:
            self.text.attn_mask = torch.full((n, n), -torch.inf, device=tokens.device).triu(1)
        return self.text(tokens)


def _model_name(name: str) -> str:
    """What open_clip calls the model; it names those of JSON files after the file."""
    return Path(name).stem if name.endswith(".json") else name


def _digest(path: str) -> str:
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]
