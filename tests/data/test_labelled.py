"""Labelled data of one's own: what their digest covers, what is refused by name, what is held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clbench.data.labelled.sources import Images, as_images
from clbench.errors import InputError

Y = torch.arange(12) % 3


def table(**changes) -> Images:
    """Twelve rows of three classes."""
    x = torch.arange(24.0).view(12, 2)
    return replace(Images(x, Y, x[:6] + 0.5, Y[:6], scale=1.0, fingerprint="table 1"), **changes)


def test_the_digest_follows_every_tensor_whatever_the_author_calls_them():
    digests = {
        one.digest
        for one in (
            table(),
            table(y=Y.flip(0)),
            table(y_test=Y[:6].flip(0)),
            table(x=table().x + 1),
            table(x_test=table().x_test + 1),
            table(x=table().x.view(torch.int32)),  # the same bytes as other numbers
        )
    }
    assert len(digests) == 6 and table(fingerprint="table 2").digest == table().digest


def test_real_numbers_are_not_cut_to_bytes():
    x, y = np.array([[0.25, 1.0], [0.5, 0.0]]), np.array([0, 1])
    kept = as_images(x, y, x, y, scale=1.0)
    assert torch.equal(kept.x, torch.tensor(x, dtype=torch.float32)) and kept.x_test.dtype == torch.float32
    bytes_ = as_images(4 * x, y, 4 * x, y, scale=4.0)
    assert bytes_.x.dtype == torch.uint8 and bytes_.x.tolist() == [[1, 4], [2, 0]]
    mixed = as_images(4 * x, y, x, y, scale=4.0)
    assert mixed.x.dtype == mixed.x_test.dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x": np.zeros((12, 2))}, "x is no tensor but ndarray: give torch.from_numpy"),
        ({"x": torch.zeros(12, 4, 4)}, r"x has the shape \[12, 4, 4\]: give \[n, d\]"),
        ({"x_test": torch.zeros(0, 2), "y_test": Y[:0]}, "x_test has no rows"),
        (
            {"x": torch.full((12, 2), torch.nan)},
            "x has NaN or infinite values in 12 of its 12 rows, first in row 0",
        ),
        (
            {"x_test": table().x_test.index_fill(0, torch.tensor(2), torch.inf)},
            "x_test .* 1 of its 6 .* row 2",
        ),
        ({"x": torch.zeros(12, 2, dtype=torch.complex64)}, "x is torch.complex64"),
        ({"x_test": torch.zeros(6, 3)}, "a row of x has 2 numbers, one of x_test 3"),
        ({"y": Y[:11]}, "x has 12 rows and y 11 labels"),
        ({"y": Y.float()}, "y is torch.float32: labels are whole numbers"),
        ({"y": Y[:, None]}, r"y has the shape \[12, 1\]"),
        ({"y_test": Y[:6] - 1}, "y_test has the label -1"),
        ({"scale": 0.0}, "scale is 0.0"),
    ],
)
def test_arrays_of_which_no_stream_can_be_made_are_named(changes, said):
    table().check()
    with pytest.raises(InputError, match=said) as error:
        table(**changes).check()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [torch.uint8, torch.int32, torch.float64])
def test_other_types_of_numbers_are_taken(kind):
    table(x=table().x.to(kind), x_test=table().x_test.to(kind), y=Y.int(), y_test=Y[:6].short()).check()


@pytest.mark.parametrize("order", ["in turn", "sorted", "drawn"])
def test_validation_holds_out_a_tenth_of_every_class_however_the_rows_are_ordered(order):
    y = torch.arange(300) % 10  # every tenth row would be all of a class
    if order != "in turn":
        y = y.sort().values if order == "sorted" else y[torch.randperm(300, generator=torch.Generator())]
    x = torch.arange(300.0)[:, None]
    images = Images(x, y, x[:1], y[:1], scale=1.0)
    held = images.validation()
    assert held.y.bincount().tolist() == [27] * 10 and held.y_test.bincount().tolist() == [3] * 10
    assert sorted(torch.cat([held.x, held.x_test]).flatten().tolist()) == x.flatten().tolist()
    assert torch.equal(held.x_test, images.validation().x_test)  # drawn by a key


def test_validation_leaves_a_row_on_each_side_or_names_the_class():
    held = table(x=table().x[:6], y=torch.tensor([0, 0, 1, 1, 1, 0])).validation()
    assert held.y.bincount().tolist() == [2, 2] and held.y_test.bincount().tolist() == [1, 1]
    with pytest.raises(InputError, match="class 7 has one training example"):
        table(y=torch.tensor([0] * 11 + [7])).validation()
