"""Torch modules of libraries and of a user's own file, as networks: what they give, and what is refused."""

import copy
import json
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from helpers import refused
from torch import nn

from clbench import registry
from clbench.core.keyed import generator
from clbench.engine.clock import Clock
from clbench.engine.run import run
from clbench.errors import Unavailable
from clbench.models import by_name
from clbench.models.adapting import adapt, same_draws
from clbench.models.mlp import MLP
from clbench.models.network import OfLayers
from clbench.models.of_module import Made
from clbench.models.reading import Reading, Scale
from clbench.results import source
from clbench.strategies.parts.layers import why_no_layers

SHAPE, CLASSES, CPU = (8, 8, 3), 4, torch.device("cpu")
NUMBERS = 192


class Pooled(nn.Module):
    """A convolution, batch norm and dropout; then a linear layer, whose mean over places its head reads."""

    def __init__(self, classes=CLASSES):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.drop, self.mixed = nn.Dropout(0.5), nn.Linear(6, 6)
        self.last = nn.Linear(6, classes)
        self.register_buffer("centre", torch.tensor(0.1))

    def forward(self, x):
        x = self.drop(self.stem(x) - self.centre)
        return self.last(self.mixed(x.flatten(2).mT).relu().mean(1))


class Attentive(nn.Module):
    """Rows of pixels as tokens; a class token of no layer."""

    def __init__(self, classes=CLASSES):
        super().__init__()
        self.embed, self.token = nn.Linear(24, 8), nn.Parameter(torch.randn(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.last = nn.Linear(8, classes, bias=False)

    def forward(self, x):
        tokens = self.embed(x.permute(0, 2, 3, 1).flatten(2))
        return self.last(self.block(torch.cat([self.token.expand(len(x), -1, -1), tokens], 1))[:, 0])


KINDS = {"pooled": Pooled, "attentive": Attentive}
every = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def net_of(build, frozen=False, weights=None, reading=None):
    return adapt(Made("it", build, reading or Reading(SHAPE), "it.py"), CLASSES, weights, frozen)


def rows(count=6, seeds=None):
    shape = (count, NUMBERS) if seeds is None else (seeds, count, NUMBERS)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def pictures(x):
    return x.view(-1, *SHAPE).permute(0, 3, 1, 2)


def plain(build, seed=0):
    """What its maker makes of the numbers that a seed's theta is drawn from."""
    with same_draws():
        torch.manual_seed(generator(seed, "init").initial_seed())
        return build()


@every
def test_computes_and_learns_what_the_module_does(kind):
    net, module, x = net_of(kind), plain(kind).eval(), rows()
    theta = net.init(generator(0, "init")).requires_grad_()
    assert net.layout.head[0] == "head.weight" and torch.allclose(
        net(theta, x), module(pictures(x)), atol=1e-6
    )
    assert torch.allclose(net.head(theta, net.features(theta, x)), net(theta, x), atol=1e-6)
    for part in module.modules():  # what learns in training: running statistics, and nothing is dropped
        part.train(isinstance(part, nn.BatchNorm2d))
    out, buffers = net.train(theta, x) if net.layout.buffers else (net(theta, x), None)
    y = torch.arange(6) % CLASSES
    (g,) = torch.autograd.grad(F.cross_entropy(out, y), theta)
    F.cross_entropy(module(pictures(x)), y).backward()
    views = net.layout.views(g)
    assert torch.allclose(views["head.weight"], module.last.weight.grad, atol=1e-6)
    first = "stem.0.weight" if kind is Pooled else "token"
    assert torch.allclose(views[f"body.trunk.{first}"], module.get_parameter(first).grad, atol=1e-6)
    if buffers is not None:
        assert torch.allclose(buffers[:6], module.stem[1].running_mean, atol=1e-6)


@every
def test_two_seeds_together_are_each_alone(kind):
    net, x = net_of(kind), rows(seeds=2)
    theta = torch.stack([net.init(generator(seed, "init")) for seed in (0, 1)])
    assert not torch.equal(theta[0], theta[1])
    together = torch.func.vmap(net)(theta, x)
    assert torch.allclose(together, torch.stack([net(*one) for one in zip(theta, x, strict=True)]), atol=1e-5)
    if net.layout.buffers:
        out, buffers = torch.func.vmap(net.train)(theta, x)
        alone = net.train(theta[1], x[1])
        assert torch.allclose(out[1], alone[0], atol=1e-5) and torch.allclose(buffers[1], alone[1], atol=1e-6)


def test_frozen_only_the_head_learns_and_no_backward_pass_is_counted():
    body, x, flops = plain(Pooled).eval(), rows(), {}
    for frozen in (True, False):
        net, clock = net_of(Pooled, frozen=frozen), Clock(CPU)
        theta = net.init(generator(0, "init")).requires_grad_()
        with clock.count_flops():
            torch.autograd.grad(net(theta, x).sum(), theta)
        flops[frozen] = clock.sheet()["flops"]
        assert (list(net.layout.shapes) == ["head.weight", "head.bias"]) == frozen
    assert flops[True] < 0.5 * flops[False] and "frozen" in str(net_of(Pooled, frozen=True))
    net = net_of(lambda: copy.deepcopy(body), frozen=True)
    wanted = body.mixed(body.stem(pictures(x)).sub(body.centre).flatten(2).mT).relu().mean(1)
    assert torch.allclose(net.features(net.init(generator(0, "init")), x), wanted, atol=1e-6)


def test_what_asks_for_no_gradient_is_no_part_of_theta():
    def build():
        module = Pooled()
        module.stem.requires_grad_(False)
        return module

    net = net_of(build)
    assert not net.layout.buffers and [name for name in net.layout.shapes if "stem" in name] == []


def test_layers_are_shown_where_each_is_a_matrix_of_what_it_reads():
    net = net_of(Pooled)
    theta, x = net.init(generator(0, "init")), rows()
    read = net.inputs_of(theta, x)
    assert isinstance(net, OfLayers) and not why_no_layers(net)
    assert read["body.trunk.mixed"].shape == (6 * 16, 6) and torch.equal(read["head"], net.features(theta, x))
    attentive = net_of(Attentive)
    assert not isinstance(attentive, OfLayers)
    grouped = net_of(lambda: nn.Sequential(nn.Conv2d(3, 3, 3, groups=3), nn.Flatten(), nn.Linear(108, 4)))
    assert not isinstance(grouped, OfLayers)


def test_pictures_are_brought_to_what_a_library_reads():
    x = rows().mul(2).sub(0.5)  # standardised by (v - 0.25) / 0.5
    had, wants = Scale((0.25,), (0.5,)), Scale((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    seen = Reading(SHAPE, 3, 16, had, wants)(x)
    wanted = F.interpolate(pictures(rows()), (16, 16), mode="bilinear")
    wanted = (wanted - torch.tensor(wants.mean).view(3, 1, 1)) / torch.tensor(wants.std).view(3, 1, 1)
    assert torch.allclose(seen, wanted, atol=1e-6)
    grey = Reading((8, 8, 1), 3)
    assert torch.equal(grey(x[:, :64])[:, 2], x[:, :64].view(-1, 8, 8)) and "grey repeated to 3" in str(grey)


@pytest.mark.parametrize(
    ("net", "shape", "said"),
    [
        ("linear", (12,), "mlp 12-4"),
        ("mlp", (12,), "mlp 12-100-100-4"),
        ("mlp(9, 7)", SHAPE, "mlp 192-9-7-4"),
        ("torchvision:mobilenet_v3_small", SHAPE, "torchvision:mobilenet_v3_small, without dropout"),
        ("timm:test_vit", (8, 8, 1), "timm:test_vit, grey repeated to 3 channels, 8x8 resized to 160x160"),
    ],
)
def test_networks_have_names(net, shape, said):
    if net.startswith("timm"):
        pytest.importorskip("timm", reason="the extra `timm` is not installed")
    made = by_name.network(net, shape, CLASSES)
    x = torch.rand(2, torch.Size(shape).numel())
    out = made(made.init(generator(0, "init")), x)
    assert str(made) == said and out.shape == (2, CLASSES) and out.isfinite().all()
    assert isinstance(made, MLP) == ("mlp" in said)


@pytest.mark.parametrize("spec", ["naive", "lwf", "ewc(samples=8)", "er(memory=20)"])
def test_strategies_train_it(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FILE)
    chosen = registry.benchmark("split_digits_class(net='net.py:make', steps=3, rows=8)", "smoke")[1]
    parts = registry.strategy(spec).build()
    both = run(chosen.stream([0, 1], CPU), chosen.network(), parts, chosen.budget("smoke"), Clock(CPU))
    alone = run(
        chosen.stream([1], CPU),
        chosen.network(),
        registry.strategy(spec).build(),
        chosen.budget("smoke"),
        Clock(CPU),
    )
    assert not both.diverged and torch.allclose(both.acc[1], alone.acc[0], atol=0.02) and both.moved[0] > 0.5


# ---- weights


@pytest.mark.parametrize("kind", ["pt", "safetensors", "nested"])
def test_weights_start_every_seed(kind, tmp_path):
    module = Pooled(7)  # a head for other classes is begun anew
    path = str(tmp_path / f"w.{kind}")
    if kind == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(module.state_dict(), path)
    else:
        torch.save({"model": module.state_dict()} if kind == "nested" else module.state_dict(), path)
    net, x = net_of(Pooled, weights=path), rows()
    first, second = (net.init(generator(seed, "init")) for seed in (0, 1))
    assert torch.equal(net.features(first, x), net.features(second, x)) and not torch.equal(first, second)
    module.last = nn.Identity()
    assert torch.allclose(net.features(first, x), module.eval()(pictures(x)), atol=1e-6)
    assert "weights" in str(net) and str(net) == str(net_of(Pooled, weights=path))


def test_weights_with_a_head_that_fits_bring_it(tmp_path):
    module = Pooled()
    torch.save(module.state_dict(), tmp_path / "w.pt")
    for frozen in (True, False):
        net = net_of(Pooled, frozen, str(tmp_path / "w.pt"))
        out = net(net.init(generator(0, "init")), rows())
        assert torch.allclose(out, module.eval()(pictures(rows())), atol=1e-6)


def test_our_own_networks_start_from_weights_too(tmp_path):
    for name in ("small_conv", "mlp(6,5)"):
        ours = by_name.network(name, SHAPE, CLASSES)
        theta = ours.init(generator(0, "init"))
        torch.save(ours.module(theta).state_dict(), tmp_path / f"{name}.pt")
        net = by_name.network(name, SHAPE, CLASSES, weights=str(tmp_path / f"{name}.pt"), frozen=True)
        out = net(net.init(generator(1, "init")), rows())
        assert torch.allclose(out, ours(theta, rows()), atol=1e-6)


def test_weights_that_do_not_fit_are_one_line(tmp_path):
    path = str(tmp_path / "w.pt")
    build = partial(net_of, Pooled, weights=path)
    state = Pooled().state_dict()
    state["stem.0.weight"] = torch.zeros(2)
    for i in range(3):
        state[f"more{i}"] = torch.zeros(1)
    torch.save(state, path)
    assert refused(build) == (
        f"the weights {path} do not fit it: more0 is of no layer, more1 is of no layer, "
        "more2 is of no layer, and 1 more"
    )
    torch.save({"stem.0.weight": torch.zeros(2)}, path)
    assert "stem.0.bias is not there" in refused(build)
    torch.save([1], path)
    assert "holds no tensors by name" in refused(build)
    torch.save(Pooled(), path)
    assert "other things than tensors" in refused(build)
    for content in (b"", b"junk", b"PK\3\4", b"\x80\x02]q"):
        (tmp_path / "w.pt").write_bytes(content)
        assert "is no file of torch" in refused(build)
    state = Pooled().state_dict()
    state["last.bias"][0] = torch.nan
    torch.save(state, path)
    assert refused(build) == "it begins with outputs that are not finite: look at its weights"
    (tmp_path / "w.safetensors").write_bytes(b"x" * 20)
    assert "is no safetensors file" in refused(
        partial(net_of, Pooled, weights=str(tmp_path / "w.safetensors"))
    )
    assert "absent.pt" in refused(partial(by_name.network, weights="absent.pt"), "small_conv", SHAPE, CLASSES)


def test_offline_weights_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match=r"put https://.*\.pth to .*checkpoints/mobilenet_v3_small.*\.pth"):
        by_name.network("torchvision:mobilenet_v3_small", SHAPE, CLASSES, weights="pretrained")


# ---- what is refused

FILE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.hidden, self.last = nn.Linear(shape[1] * shape[2], 12), nn.Linear(12, classes)

    def forward(self, x):
        return self.last(self.between(self.hidden(x.flatten(1)).relu()))

    def between(self, f):
        return f


def make(shape, classes):
    return Net(shape, classes)
"""


def with_between(*lines: str) -> str:
    """The file with a network that does this between its layers."""
    body = "".join(f"        {line}\n" for line in lines)
    other = f"class Other(Net):\n    def between(self, f):\n{body}"
    return f"{FILE}\n\n{other}\n\ndef make(shape, classes):\n    return Other(shape, classes)\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            with_between("if f.sum() > 0:", "    return f", "return 2 * f"),
            "write torch.where (net.py, line 24)",
        ),
        (with_between("return f / f.max().item()"), "keep it as a tensor (net.py, line 24)"),
        (with_between("return f * torch.rand(12)"), "leave them out (net.py, line 24)"),
        (with_between("g = torch.zeros(12)", "g += f[0]", "return f + g"), "write x = x + y for x += y"),
        (with_between("return f.nothing"), "no attribute 'nothing' (net.py, line 24)"),
        (
            with_between("self.last_f = getattr(self, 'last_f', 0) + f.mean()", "return f + self.last_f"),
            "let forward keep nothing (net.py",
        ),
        (FILE.replace("12, classes)", "12, classes + 1)"), "[2, 11] for 2 inputs, and not [2, 10]"),
        (FILE.replace("nn.Linear(12, c", "nn.LazyLinear(c"), "last (LazyLinear) makes its weights when"),
        (FILE.replace("x.flatten(1)", "x"), "fails in hidden (Linear)"),
        (FILE.replace("return self.last(", "return 2 * self.last("), "does not end with a linear layer"),
        (FILE.replace("return f\n", "return nn.BatchNorm1d(12)\n"), "net.py"),
        (
            FILE.replace(
                "nn.Linear(12, classes)",
                "nn.Sequential(nn.BatchNorm1d(12, track_running_stats=False), nn.Linear(12, classes))",
            ),
            "last.0 (BatchNorm1d) has no running statistics with a momentum",
        ),
        (FILE.replace("return Net(shape, classes)", "return [1]"), "gives list, and no torch.nn.Module"),
        (
            FILE.replace("return Net(shape, classes)", "1 / 0"),
            "ZeroDivisionError: division by zero (net.py, line 19)",
        ),
        (
            FILE + "\nnet = make((1, 8, 8), 10)\nmake = lambda shape, classes: net\n",
            "net.py:make gives the same module again: let it make a new one at each call",
        ),
        (FILE.replace("def make", "def other"), "net.py has no function make; it has Net, other"),
        (
            FILE.replace("import torch\n", "import torch\n1 / 0\n"),
            "net.py cannot be imported: ZeroDivisionError",
        ),
        (FILE.replace("def make", "def make("), "net.py, line 18: no Python"),
    ],
)
def test_a_file_that_cannot_be_a_network_is_one_line(text, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(text)
    assert said in refused(by_name.network, "net.py:make", (8, 8, 1), 10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("smal_conv",), "did you mean 'small_conv'? There are linear, mlp,"),
        (("mlp()",), "net='mlp()' is no network"),
        (("mlp(8,0)",), "net='mlp(8,0)' is no network"),
        (("torchvision:mobilnet",), 'torchvision has no network "mobilnet"'),
        (("torchvision:squeezenet1_0", (32, 32, 3)), "does not end with a linear layer"),
        (("torchvision:resnet18", (8, 8, 4)), "reads pictures of 3 channels, and these have 4"),
        (("torchvision:resnet18", (12,)), "is for images, and these data are none"),
        (("small_conv", SHAPE, CLASSES, None, None, "pretrained"), "nobody offers weights of small_conv"),
        (("small_conv", SHAPE, CLASSES, None, None, None, True), "say with which weights="),
        (("mlp(3)", SHAPE, CLASSES, None, 7), "has the width that it is made with"),
        (("linear", SHAPE, CLASSES, "batch"), "has the norms that it is made with"),
        (("absent.py:make",), "absent.py"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments, said):
    net, shape, classes, norm, width, weights, frozen = [*arguments, *DEFAULTS[len(arguments) :]]
    assert said in refused(
        partial(by_name.network, weights=weights, frozen=frozen), net, shape, classes, norm, width
    )


DEFAULTS = ("", SHAPE, CLASSES, None, None, None, None)


# ---- from the command line


def test_a_file_runs_in_workers_and_its_digest_is_the_records(tmp_path, here, monkeypatch):
    (tmp_path / "net.py").write_text(FILE)
    command = ["run", "-b", "split_digits_class(net='./net.py:make', steps=3)", "-s", "naive", "--seeds", "1"]
    done = here(*command, "--profile", "smoke", "--out", "out")
    assert done.returncode == 0, done.stderr
    (place,) = (tmp_path / "out").rglob("naive.json")
    record = json.loads(place.read_text())
    assert record["benchmark"] == "split_digits_class(steps=3, net='net.py:make')"
    assert record["settings"]["network"] == "net.py:make"
    (tmp_path / "net.py").write_text(FILE.replace("relu()", "tanh()"))
    monkeypatch.chdir(tmp_path)
    assert source.digest(registry.modules_of(record["benchmark"], "naive")) != record["source"]
    (tmp_path / "net.py").write_text(with_between("return f.nothing"))
    done = here(*command, "--profile", "smoke", "--out", "out")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "(net.py, line 24)" in done.stderr


def test_more_classes_than_fit_is_one_line(tmp_path, here):
    (tmp_path / "net.py").write_text(FILE.replace("12, classes)", "12, 4)"))
    done = here("run", "-b", "split_digits_class(net='net.py:make')", "-s", "naive", "--profile", "smoke")
    assert done.returncode == 2 and done.stderr == (
        "clbench: net.py:make gives outputs [2, 4] for 2 inputs, and not [2, 10]: an output for each class "
        "that the stream has\n"
    )
