"""CIFAR's loader on fabricated copies of the genuine layout: same names and pickles, five images a file."""

import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from clbench.data.labelled import cifar
from clbench.errors import InputError, Unavailable

BOTH = pytest.mark.parametrize("data", [cifar.CIFAR10, cifar.CIFAR100], ids=["cifar10", "cifar100"])
FORMS = pytest.mark.parametrize("form", ["folder", "archive"])


def python2_pickle(x: np.ndarray, labels: list[int], key: str) -> bytes:
    """A batch as Python 2's numpy wrote the published ones (protocol 2, byte strings)."""

    def text(content: bytes) -> bytes:
        return b"T" + len(content).to_bytes(4, "little") + content

    shape = b"".join(b"M" + n.to_bytes(2, "little") for n in x.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        + b"(K\x01("
        + shape
        + b"t"
        + b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNN"
        + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb\x89"
        + text(x.tobytes())
        + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([n]) for n in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(key.encode()) + numbers + b"u."


def contents(data: cifar.Cifar) -> dict[str, bytes]:
    draws = np.random.default_rng(0)
    return {
        name: python2_pickle(
            draws.integers(0, 256, (5, 3072), dtype=np.uint8),
            [(i + k) % data.classes for k in range(5)],
            data.labels,
        )
        for i, name in enumerate(data.train | data.test)
    }


def put(folder, data: cifar.Cifar, made: dict[str, bytes], form: str):
    if form == "folder":
        (folder / data.folder).mkdir(parents=True)
        for name, content in made.items():
            (folder / data.folder / name).write_bytes(content)
        return folder / data.folder
    folder.mkdir(exist_ok=True)
    path = folder / f"{data.archive.files[0].name}.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in made.items():
            member = tarfile.TarInfo(f"{data.folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def published(data: cifar.Cifar, made: dict[str, bytes]) -> cifar.Cifar:
    """The data set whose published sums are those of the fabricated files."""

    def sums(names):
        return {name: hashlib.md5(made[name]).hexdigest() for name in names}

    return data._replace(train=sums(data.train), test=sums(data.test))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CLBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CLBENCH_OFFLINE", "1")
    monkeypatch.delenv("CLBENCH_ACCEPT_DATA", raising=False)
    return tmp_path / "data"


@BOTH
@FORMS
def test_reads_folder_and_archive_as_published(data, form, place):
    made = contents(data)
    put(place, data, made, form)
    before = sorted(place.rglob("*"))
    images = cifar._load(published(data, made))
    entry = pickle.loads(made[next(iter(data.train))], encoding="latin1")
    assert images.x.shape == (5 * len(data.train), 3072) and images.x_test.shape == (5, 3072)
    assert images.y[:5].tolist() == entry[data.labels] and images.accepted is None
    picture = images.x[2].view(32, 32, 3)
    assert (picture.permute(2, 0, 1).numpy() == entry["data"][2].reshape(3, 32, 32)).all()
    assert sorted(place.rglob("*")) == before  # nothing unpacked


@FORMS
def test_a_copy_that_differs_is_refused_and_taken_knowingly(form, place, monkeypatch):
    data, made = cifar.CIFAR10, contents(cifar.CIFAR10)
    put(place, data, made, form)
    right = published(data, made)
    other = right._replace(test={"test_batch": "0" * 32})
    with pytest.raises(InputError) as caught:
        cifar._load(other)
    message = str(caught.value)
    assert (
        f"test_batch: expected md5 {'0' * 32}, found {right.test['test_batch']}" in message
        and "\n" not in message
    )
    assert "data_batch_1" not in message
    total = hashlib.sha256(
        "\n".join(sorted([*right.train.values(), *right.test.values()])).encode()
    ).hexdigest()
    assert message.endswith(f"CLBENCH_ACCEPT_DATA={total}")
    monkeypatch.setenv("CLBENCH_ACCEPT_DATA", "f" * 64)
    with pytest.raises(InputError):
        cifar._load(other)
    monkeypatch.setenv("CLBENCH_ACCEPT_DATA", f"{'f' * 64}, {total}")
    taken = cifar._load(other)
    assert taken.accepted == total and taken.digest == cifar._load(right).digest


def test_a_partial_copy_names_what_is_missing(place):
    made = contents(cifar.CIFAR10)
    del made["data_batch_3"]
    put(place, cifar.CIFAR10, made, "folder")
    with pytest.raises(InputError, match="data_batch_3 .md5 54ebc095f3ab1f0389bbae665268c751. is missing"):
        cifar._load(cifar.CIFAR10)


def test_a_cut_archive_is_named_with_both_sums(place):
    path = put(place, cifar.CIFAR100, contents(cifar.CIFAR100), "archive")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError) as caught:
        cifar._load(cifar.CIFAR100)
    found = hashlib.md5(path.read_bytes()).hexdigest()
    for part in (str(path), "eb9058c3a382ffc7106e4002c42a8d85", found):
        assert part in str(caught.value)


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("/tmp/clbench-was-here",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_calls_something_is_refused_before_it_does(protocol, place, monkeypatch):
    made = contents(cifar.CIFAR100)
    made["train"] = pickle.dumps({"data": Malicious(), "fine_labels": [0]}, protocol)
    put(place, cifar.CIFAR100, made, "folder")
    monkeypatch.setattr(os, "mkdir", None)
    with pytest.raises(InputError, match=r"train cannot be read: UnpicklingError: it asks for \w+.mkdir"):
        cifar._load(published(cifar.CIFAR100, made))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"data": np.zeros((2, 3071), np.uint8), "fine_labels": [0, 1]}, "should hold images"),
        ({"data": np.zeros((2, 3072), np.float32), "fine_labels": [0, 1]}, "should hold images"),
        ({"data": np.zeros((2, 3072), np.uint8), "fine_labels": [0]}, "should hold a label"),
        ({"data": np.zeros((2, 3072), np.uint8), "fine_labels": [0, 100]}, "should hold a label"),
        ({"data": np.zeros((2, 3072), np.uint8)}, "KeyError"),
    ],
)
def test_contents_that_are_not_cifar_are_refused(entry, complaint):
    with pytest.raises(InputError, match=complaint):
        cifar._parse(cifar.CIFAR100, pickle.dumps(entry), "train")


def test_absent_says_where_to_put_it():
    with pytest.raises(
        Unavailable, match=r"put cifar-10-python.tar.gz under \$CLBENCH_DATA, or unset CLBENCH_OFFLINE"
    ):
        cifar._load(cifar.CIFAR10)


def test_torchvision_has_the_same_sums_and_addresses():
    torchvision = pytest.importorskip("torchvision.datasets")
    for data, theirs in ((cifar.CIFAR10, torchvision.CIFAR10), (cifar.CIFAR100, torchvision.CIFAR100)):
        assert (data.train, data.test) == (dict(theirs.train_list), dict(theirs.test_list))
        (file,) = data.archive.files
        assert theirs.url == f"{data.archive.mirrors[0]}{file.name}.gz" and theirs.tgz_md5 == file.md5_gz
        assert data.folder == theirs.base_folder


def test_ten_then_a_hundred_keeps_both(place, monkeypatch):
    for name in ("cifar10", "cifar100"):
        made = contents(cifar.NAMES[name])
        put(place, cifar.NAMES[name], made, "folder")
        data = published(cifar.NAMES[name], made)
        monkeypatch.setattr(cifar, name, lambda data=data: cifar._load(data))
    both = cifar.cifar10_then_100.__wrapped__()
    assert len(both.y) == 30 and both.y[:25].max() < 10 <= both.y[25:].min()
    assert both.digest not in (cifar.cifar10().digest, cifar.cifar100().digest)


def test_the_real_copy_has_a_thousand_test_images_of_each_class(monkeypatch):
    monkeypatch.undo()
    try:
        images = cifar.cifar10()
    except (InputError, Unavailable) as missing:
        pytest.skip(str(missing))
    assert images.y_test.bincount().tolist() == [1000] * 10 and len(images.y) == 50000
    mean = images.x.view(-1, 3).double().mean(0) / 255
    assert [round(value, 3) for value in mean.tolist()] == [0.491, 0.482, 0.447]
