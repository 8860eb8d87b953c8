"""Networks of torchvision and of timm, untrained, and the weights that these libraries offer."""

import difflib
import logging
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from clbench.errors import InputError, Unavailable
from clbench.models.of_module import Made
from clbench.models.reading import Reading, Scale


def of_torchvision(name: str, shape: tuple[int, ...], classes: int, scale: Scale) -> Made:
    """A network of torchvision that tells classes of pictures."""
    try:
        from torchvision import models
    except ImportError:
        raise Unavailable("torchvision is not installed: pip install torchvision") from None
    known = models.list_models(module=models)
    _check(name, "torchvision", known)
    weights = models.get_model_weights(name).DEFAULT
    own = weights.transforms()
    more = {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    quiet = {"init_weights": True} if more else {}

    def build() -> nn.Module:
        return models.get_model(name, weights=None, num_classes=classes, **more, **quiet)

    def pretrained() -> dict[str, Tensor]:
        place = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
        state: dict[str, Tensor] = _fetched(
            lambda: weights.get_state_dict(progress=True, check_hash=True),
            f"torchvision:{name}",
            f"put {weights.url} to {place}",
            place.exists(),
        )
        return {key: one for key, one in state.items() if not more or "aux" not in key}

    return _made(
        f"torchvision:{name}",
        build,
        shape,
        own.crop_size[0],
        scale,
        Scale(tuple(own.mean), tuple(own.std)),
        pretrained,
    )


def of_timm(name: str, shape: tuple[int, ...], classes: int, scale: Scale) -> Made:
    """A network of timm."""
    try:
        import timm
    except ImportError:
        raise Unavailable("timm is not installed: pip install 'clbench[timm]'") from None
    if not timm.is_model(name):
        _check(name, "timm", timm.list_models())
    own = timm.get_pretrained_cfg(name)
    if own is None:
        raise InputError(f"timm:{name} has no configuration in timm; take another")

    def pretrained() -> dict[str, Tensor]:
        place = f"https://huggingface.co/{own.hf_hub_id}" if own.hf_hub_id else own.url
        how = f"bring its file from {place} here and give weights=PATH"
        if not place:
            raise InputError(f"timm offers no weights of {name}")
        if _offline():
            from huggingface_hub import constants

            constants.HF_HUB_OFFLINE = True  # what was fetched before is still found
        made = _fetched(
            lambda: timm.create_model(name, pretrained=True, num_classes=classes), f"timm:{name}", how, True
        )
        state: dict[str, Tensor] = made.state_dict()
        return state

    return _made(
        f"timm:{name}",
        partial(timm.create_model, name, pretrained=False, num_classes=classes),
        shape,
        own.input_size[-1],
        scale,
        Scale(tuple(own.mean), tuple(own.std)),
        pretrained,
    )


def _check(name: str, library: str, known: list[str]) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        meant = f": did you mean {near[0]}?" if near else ""
        raise InputError(f'{library} has no network "{name}"{meant}')


def _made(
    name: str,
    build: Callable[[], nn.Module],
    shape: tuple[int, ...],
    side: int,
    has: Scale,
    wants: Scale,
    pretrained: Callable[[], dict[str, Tensor]],
) -> Made:
    if shape[-1] not in (1, 3):
        raise InputError(f"{name} reads pictures of 3 channels, and these have {shape[-1]}")
    plain, resized = (Reading(shape, 3, size, has, wants) for size in (None, side))
    return Made(name, build, plain, resized=resized, pretrained=pretrained)


def _offline() -> bool:
    return os.environ.get("CLBENCH_OFFLINE", "0") not in ("", "0")


def _fetched(fetch: Callable[[], Any], name: str, how: str, there: bool) -> Any:
    """What the library fetches, or has fetched before. Raises Unavailable where it cannot."""
    if _offline() and not there:
        raise Unavailable(f"the weights of {name} are not here: {how}, or unset CLBENCH_OFFLINE")
    logging.disable(logging.WARNING)
    try:
        return fetch()
    except Exception as error:  # of whatever the library asks: files, the network, a hub
        reason = str(error).strip().partition("\n")[0][:100] or type(error).__name__
        raise Unavailable(f"the weights of {name} cannot be fetched ({reason}): {how}") from None
    finally:
        logging.disable(logging.NOTSET)
