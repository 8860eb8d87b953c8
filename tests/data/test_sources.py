import gzip
import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from clbench.data import files
from clbench.data.files import File, Published
from clbench.data.labelled import sources
from clbench.errors import InputError

FINGERPRINTS = {
    "mnist": "91a9d5192603160c",
    "fashion_mnist": "6c3b2f37fab2b032",
    "digits": "8785892c4369f262",
}


def published(name: str) -> Published:
    return {"mnist": sources.MNIST, "fashion_mnist": sources.FASHION_MNIST}[name]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mirrors_and_sums_are_those_of_torchvision(name):
    datasets = pytest.importorskip("torchvision.datasets", reason="torchvision is not installed")
    ours, theirs = published(name), getattr(datasets, published(name).name)
    assert list(ours.mirrors) == theirs.mirrors
    assert [(f"{file.name}.gz", file.md5_gz) for file in ours.files] == theirs.resources


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_real_data(name):
    if sources.available(name) is None:
        pytest.skip(f"{published(name).name} is neither under $CLBENCH_DATA nor in the cache")
    folder = Path(sources.available(name).split(", ")[0])
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    images = getattr(sources, name)()
    assert (images.x.shape, images.x_test.shape, images.scale) == ((60000, 784), (10000, 784), 255)
    assert (images.x.dtype, images.y.dtype) == (torch.uint8, torch.int64)
    assert images.digest == FINGERPRINTS[name]
    assert getattr(sources, name)() is images
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_sums_of_the_unzipped_files_are_those_of_the_zipped_ones(name):
    paths = {file: files.find(published(name), file) for file in published(name).files}
    if not all(path and path.suffix == ".gz" for path in paths.values()):
        pytest.skip(
            f"the .gz files of {published(name).name} are neither under $CLBENCH_DATA nor in the cache"
        )
    for file, path in paths.items():
        assert hashlib.md5(gzip.decompress(path.read_bytes())).hexdigest() == file.md5


def test_digits_are_split_by_class_without_loss():
    from sklearn.datasets import load_digits

    images = sources.digits()
    x, y = load_digits(return_X_y=True)
    ours = torch.cat([torch.cat([images.x, images.x_test]), torch.cat([images.y, images.y_test])[:, None]], 1)
    assert sorted(map(bytes, ours.numpy().astype(np.uint8))) == sorted(
        map(bytes, np.c_[x, y].astype(np.uint8))
    )
    assert images.y_test.bincount().tolist() == (np.bincount(y) // 5).tolist()
    assert images.x.max() == images.scale


def test_a_fingerprint_is_the_same_in_another_process():
    code = "from clbench.data.labelled.sources import digits; print(digits().digest)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == sources.digits().digest == FINGERPRINTS["digits"]


def write(root: Path, zipped: bool, labels: bytes = bytes([1, 0])) -> Published:
    """A data set of two images of 2x3 for training, one for testing."""

    def pack(*shape: int, values: bytes) -> bytes:
        return bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values

    contents = {
        "x": pack(2, 2, 3, values=bytes(range(12))),
        "y": pack(2, values=labels),
        "x_test": pack(1, 2, 3, values=bytes(range(6))),
        "y_test": pack(1, values=b"\1"),
    }
    folder, listed = root / "Tiny" / "raw", []
    folder.mkdir(parents=True)
    for name, raw in contents.items():
        gz = gzip.compress(raw, mtime=0)
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gz if zipped else raw)
        listed.append(File(name, hashlib.md5(gz).hexdigest(), hashlib.md5(raw).hexdigest()))
    return Published("Tiny", (), tuple(listed), "Tiny/raw")


def test_zipped_and_unzipped_files_give_the_same_and_one_label_more_or_less_shows(tmp_path, monkeypatch):
    loaded = []
    for place, zipped, labels in [("gz", True, b"\1\0"), ("raw", False, b"\1\0"), ("changed", True, b"\1\1")]:
        monkeypatch.setenv("CLBENCH_DATA", str(tmp_path / place))
        loaded.append(sources._from_idx(write(tmp_path / place, zipped, labels)))
    gz, raw, changed = loaded
    assert gz.x.equal(raw.x) and gz.x.equal(torch.arange(12, dtype=torch.uint8).view(2, 6))
    assert gz.y.equal(raw.y) and gz.y.equal(torch.tensor([1, 0]))
    assert gz.digest == raw.digest != changed.digest


def test_available_wants_all_files(tmp_path, monkeypatch):
    data = write(tmp_path / "data", zipped=True)
    monkeypatch.setitem(sources._PUBLISHED, "mnist", data)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CLBENCH_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "Tiny" / "raw"
    assert sources.available("mnist") == str(folder)
    (folder / "y_test.gz").unlink()
    assert sources.available("mnist") is None
    assert sources.available("digits") == "scikit-learn"
    with pytest.raises(InputError, match='"cifar".*mnist, fashion_mnist, digits'):
        sources.available("cifar")
