"""open_clip's models as networks of ours: the same outputs as the library's, trained from a checkpoint on
somebody's pairs."""

import json

import numpy as np
import pytest
import torch

from clbench import registry
from clbench.core.keyed import generator
from clbench.data.pairs.words import clip_tokens
from clbench.engine.clock import Clock
from clbench.engine.run import run
from clbench.errors import InputError

open_clip = pytest.importorskip("open_clip", reason="the extra `clip` is not installed")
CPU = torch.device("cpu")
TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY))
    return str(path)


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """Two years of coloured squares that say their colours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draws, n = np.random.default_rng(0), 400
    colours = draws.integers(0, 256, (n, 1, 1, 3), np.uint8)
    texts = [f"red {r // 32} green {g // 32} blue {b // 32}" for r, g, b in colours[:, 0, 0].tolist()]
    np.savez(
        tmp_path / "squares.npz",
        images=np.broadcast_to(colours, (n, 20, 20, 3)),
        captions=np.array(texts),
        times=np.array([f"{2020 + i // 200}-01-{1 + i % 28:02}" for i in range(n)]),
    )
    return str(tmp_path / "squares.npz")


def benchmark(pairs: str, model: str, **more):
    arguments = {"path": pairs, "model": model, "min_rows": 40, "rows": 16, "steps": 12, "lr": 1e-3} | more
    return registry.benchmark(
        f"stream({', '.join(f'{name}={value!r}' for name, value in arguments.items())})", "smoke"
    )[1]


def test_outputs_are_those_of_the_library(tiny, pairs, tmp_path):
    open_clip.add_model_config(tiny)
    model = open_clip.create_model("tiny").eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    chosen = benchmark(pairs, tiny, weights=str(tmp_path / "weights.pt"))
    net, stream = chosen.network(), chosen.stream([0], CPU)
    images, tokens = (side[0] for side in stream.test(0, slice(0, 8)))
    texts = [f"picture {i}" for i in range(3)]
    assert np.array_equal(open_clip.get_tokenizer("tiny")(texts), clip_tokens(texts, 12))
    pixels = images.view(-1, 16, 16, 3).permute(0, 3, 1, 2).float() / 255
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (model.visual.image_mean, model.visual.image_std)
    )
    with torch.no_grad():
        wanted = model((pixels - mean) / std, tokens)
        left, right = net(net.init(generator(0, "clip")), (images, tokens))
    assert torch.allclose(left, wanted[0] * wanted[2], atol=1e-4) and torch.allclose(
        right, wanted[1], atol=1e-5
    )


def test_untrained_seeds_differ_and_a_checkpoint_is_the_start_of_all(tiny, pairs, tmp_path):
    net = benchmark(pairs, tiny).network()
    first, again, second = (net.init(generator(seed, "clip")) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, second) and first.isfinite().all()
    open_clip.add_model_config(tiny)
    torch.save(open_clip.create_model("tiny").state_dict(), tmp_path / "weights.pt")
    net = benchmark(pairs, tiny, weights=str(tmp_path / "weights.pt")).network()
    assert torch.equal(net.init(generator(0, "clip")), net.init(generator(1, "clip"))) and "weights" in str(
        net
    )


@pytest.mark.parametrize("spec", ["naive", "er(memory=40)", "lwf", "ewc(samples=32)", "head_only", "adapter"])
def test_learns_on_from_where_it_starts(spec, tiny, pairs):
    chosen = benchmark(pairs, tiny, steps=80, lr=5e-3)
    found = run(
        chosen.stream([0], CPU),
        chosen.network(),
        registry.strategy(spec).build(),
        chosen.budget("smoke"),
        Clock(CPU),
    )
    five = found.more["r5"][0]
    assert (
        not found.diverged and five[1, 0] > five[0, 0] + 0.3 and (found.acc[0, 2] != found.acc[0, 1]).any()
    ), five


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"model": "ViT-C-99"}, 'open_clip has no model "ViT-C-99"'),
        ({"model": "absent.json"}, "absent.json is not there"),
        ({"model": "RN50"}, "only open_clip's own vision and text"),
        ({"weights": "absent.pt"}, "absent.pt is not there"),
    ],
)
def test_bad_input_is_one_line(more, message, tiny, pairs):
    with pytest.raises(InputError, match=message):
        benchmark(pairs, **{"model": tiny} | more).network()
