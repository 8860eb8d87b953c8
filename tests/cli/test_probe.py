"""`clbench run --probe`, and the file beside a record that holds what evaluation tallied."""

import numpy as np
import pytest

from clbench.results import records, tally
from clbench.results.record import BrokenRecord
from clbench.results.record_checks import check

RUN = ("run", "-b", "split_digits_class", "-s", "naive", "--profile", "smoke", "--workers", "0")


def stored(place, strategy="naive"):
    path = records.path_of(place / "my_results", "smoke", "split_digits_class", strategy)
    return records.read(path), path


@pytest.fixture
def place(here, tmp_path):
    """Where naive has run with one seed, without a probe."""
    assert here(*RUN, "--seeds", "1").returncode == 0
    return tmp_path


def test_a_probe_is_added_to_what_is_there_and_changes_no_bit(here, place):
    before, path = stored(place)
    assert before.probe_rows == 0 and "min_acc" not in before.tally
    assert "1 pair up to date" in here(*RUN, "--seeds", "1").stdout
    done = here(*RUN, "--seeds", "1", "--probe", "30")
    assert done.returncode == 0, done.stdout + done.stderr
    after, _ = stored(place)
    assert (after.acc, after.weights) == (before.acc, before.weights)
    assert after.probe_rows == 30 and after.cost("probe_s") > 0
    assert 0 <= after.tally["min_acc"][0] <= after.tally["wc_acc"][0] < 1
    assert tally.read(after, place / "my_results")[0]["probe"].shape == (len(after.groups[0].probe.step), 5)
    assert len([*path.parent.glob("naive--tally-*.npz")]) == 1  # the one before is gone
    assert "1 pair up to date" in here(*RUN, "--seeds", "1", "--probe", "30").stdout  # nothing more to see
    shown = here("show", "-b", "split_digits_class", "--metric", "min_acc", "--profile", "smoke")
    assert f"{100 * after.tally['min_acc'][0]:.1f}" in shown.stdout


def test_a_probe_with_more_seeds_than_there_are(here, place):
    before, _ = stored(place)
    assert here(*RUN, "--seeds", "2", "--probe", "30").returncode == 0
    after, _ = stored(place)
    assert after.seeds == [0, 1] and after.acc[0] == before.acc[0] and after.probe_rows == 30


def test_a_repeat_that_gives_other_bits_replaces_nothing_and_says_so(here, place):
    record, path = stored(place)
    record.acc[0][1][0] = 1 - record.acc[0][1][0]
    records.write(record, place / "my_results")
    content = path.read_bytes()
    done = here(*RUN, "--seeds", "1", "--probe", "30")
    assert done.returncode == 1 and path.read_bytes() == content
    assert "kept as it was, look at it: the repeat gave other numbers for seed 0" in done.stdout


def test_more_seeds_join_the_file_and_of_a_damaged_one_only_it_is_lost(here, place):
    assert here(*RUN, "--seeds", "3").returncode == 0
    record, path = stored(place)
    found = tally.read(record, place / "my_results")
    assert sorted(found) == [0, 1, 2]
    confusion = found[2]["confusion"][-1]
    assert confusion.sum() == found[0]["confusion"][-1].sum() and len(confusion) == 10
    assert record.tally["worst_class"][2] == pytest.approx((confusion.diagonal() / confusion.sum(1)).min())
    (beside,) = path.parent.glob("naive--tally-*.npz")
    assert beside.stat().st_size < 100_000
    beside.write_bytes(b"no archive")
    with pytest.raises(BrokenRecord, match="does not have the SHA-256"):
        tally.read(record, place / "my_results")
    assert here("show", "--profile", "smoke").returncode == 0  # its numbers stand in the record
    assert here(*RUN, "--seeds", "4").returncode == 0
    assert stored(place)[0].seeds == [0, 1, 2, 3]


def test_what_is_packed_is_unpacked_and_anything_else_is_refused():
    bits = np.random.default_rng(0).random((2, 3, 13)) < 0.5
    arrays = {"right": bits, "confusion": np.arange(16).reshape(2, 2, 2, 2)}
    content = tally.pack(arrays)
    assert content == tally.pack(arrays)  # byte for byte
    again = tally.unpack(content)
    assert (again["right"] == bits).all() and (again["confusion"] == arrays["confusion"]).all()
    flipped = content[:200] + bytes(255 - one for one in content[200:260]) + content[260:]
    wrong = [tally.pack({"right": bits, name: np.zeros(5)}) for name in ("confusion", "seeds")]
    for other in (b"", content[:-30], flipped, *wrong):
        with pytest.raises(ValueError):
            tally.unpack(other)


@pytest.mark.parametrize("value", ["0", "-3", "many"])
def test_rows_of_a_probe_are_a_number_from_1_on(here, value):
    done = here(*RUN, "--probe", value)
    assert done.returncode == 2 and "--probe" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "values", [{"acc": [0.9]}, {"worst_class": [7000.0]}, {"recovery_steps": [-1.0]}, {"min_acc": [0.5, 0.5]}]
)
def test_a_record_holds_of_a_tally_what_there_is(fabricated, values):
    record = fabricated.toy()[0].of_seeds([0])
    with pytest.raises(ValueError):
        record.groups[0].tally = values
        record.groups[0].__post_init__()
        check(record)
