import io
import xml.etree.ElementTree as ET

import pytest
import torch
from PIL import Image

from clbench.execution.seed_group import _as_png
from clbench.report import figures
from clbench.report.svg import inline
from clbench.report.tables import comparison
from clbench.report.values import entries


def drawn(records):
    found = entries(records)
    look = figures.looks(found)
    return {
        "matrices": figures.matrices(found),
        "seen": figures.seen(found, look),
        "cost": figures.cost(found, look),
    }


@pytest.fixture(scope="module")
def toy(fabricated):
    return drawn(fabricated.toy())


def texts(svg):
    return [
        "".join(element.itertext()).strip()
        for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("name", ["matrices", "seen", "cost"])
def test_every_ok_row_is_named_and_no_other(toy, name):
    shown = texts(toy[name])
    assert {"naive", "joint", "joint_equal", "er", "lwf"} <= set(shown)
    assert "avalanche_replay" in "".join(shown)  # in two lines over its small matrix
    assert not {"ewc", "si", "pnn"} & set(shown)


def test_the_same_records_give_the_same_bytes(toy, fabricated):
    assert drawn(fabricated.toy()) == toy


def test_matrices_show_means_over_seeds(toy):
    shown = texts(toy["matrices"])
    assert "80" in shown and "60" in shown  # er: task 1 learnt to 0.8, ends at the mean of 0.6, 0.7, 0.5


def test_a_network_that_grows_has_a_curve_and_a_column(fabricated):
    records = fabricated.toy()
    assert figures.growth(entries(records), figures.looks(entries(records))) is None
    for group in records[0].groups:
        group.parameters = [1000, 2500]
    name = records[0].strategy
    found = entries(records)
    svg = figures.growth(found, figures.looks(found))
    assert name in texts(svg) and not {"naive", "joint"} - {name} & set(texts(svg))
    table = comparison(records)
    (row,) = [row for row in table.rows if row.cells["growth"].value is not None]
    assert row.strategy == name and row.cells["growth"].value == 2.5
    assert "growth" in [column.name for column in table.columns]


def test_pictures_of_a_row_are_shown_as_they_are(fabricated):
    records = fabricated.toy()
    assert figures.pictures(entries(records)) is None
    shades = torch.arange(2 * 12 * 6, dtype=torch.uint8).view(2, 12, 2, 3, 1)
    records[0].groups[0].pictures = _as_png(shades)
    with Image.open(io.BytesIO(records[0].pictures)) as image:
        assert image.size == (6, 20)  # two classes of at most ten pictures, 2 x 3 each
        assert image.getpixel((4, 3)) == shades[1, 1, 1, 1]
    svg = figures.pictures(entries(records))
    assert records[0].strategy in texts(svg) and svg.count("<image") == 1 and "data:image/png" in svg
    records[0].groups[0].pictures = "iVBORw0KGgo="  # the beginning of a file
    assert figures.pictures(entries(records)) is None


def test_many_tasks_have_no_numbers_in_their_cells(fabricated):
    import numpy as np

    record = fabricated.make("er", np.full((2, 21, 20), 0.5))
    assert texts(figures.matrices(entries([record]))).count("50") == 1  # the colour bar


def test_stale_rows_say_so(fabricated):
    record = fabricated.make("er", fabricated.two_tasks((0.6, 0.9)), stale=True)
    assert all("er (stale)" in texts(svg) for svg in drawn([record]).values())


def test_nothing_to_draw(fabricated):
    failed = fabricated.make("er", status="failed", error={"reason": "no"})
    assert drawn([failed]) == {"matrices": None, "seen": None, "cost": None}
    one_task = fabricated.make("er", [[[0.1], [0.9]]])
    assert drawn([one_task])["seen"] is None


def test_slices_that_are_not_tasks(fabricated):
    record = fabricated.make("er", [[[0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [0.7, 0.8, 0.9]]])
    made = drawn([record])
    assert made["seen"] is None and made["matrices"] and made["cost"]


def test_missing_cells_are_drawn_around(fabricated):
    record = fabricated.make("er", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    record.acc[0][2][0] = None
    made = drawn([record])
    assert made["cost"] is None and made["matrices"] and made["seen"]


def test_forty_strategies_are_told_apart(fabricated):
    looks = figures.looks(
        entries([fabricated.make(f"s{i}", fabricated.two_tasks((0.6, 0.9))) for i in range(40)])
    )
    assert len(set(looks.values())) == 40


def test_no_version_no_date_no_outside_address(toy):
    for svg in toy.values():
        assert "matplotlib" not in svg.lower() and "metadata" not in svg and "<image" not in svg
        addresses = {part.split('"')[0] for part in svg.split("http://")[1:]}
        assert addresses == {"www.w3.org/2000/svg", "www.w3.org/1999/xlink"}


def test_two_figures_in_one_page_share_no_id(toy):
    import re

    first, second = (inline(toy[name], name, "what it shows") for name in ("seen", "cost"))
    ids = [re.findall(r' id="([^"]+)"', svg) for svg in (first, second)]
    assert ids[0] and not set(ids[0]) & set(ids[1])
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', first)) <= set(ids[0])
    assert "http" not in first and "currentColor" in first and 'aria-label="what it shows"' in first
