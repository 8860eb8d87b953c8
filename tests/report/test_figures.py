import io
import xml.etree.ElementTree as ET

import pytest
import torch
from PIL import Image

from clbench.execution.seed_group import _as_png
from clbench.report.figures import cost
from clbench.report.style import looks
from clbench.report.svg import _short_path
from clbench.report.tables import comparison
from clbench.report.values import entries


def drawn(records):
    found = entries(records)
    return cost(found, looks(found))


@pytest.fixture(scope="module")
def toy(fabricated):
    return drawn(fabricated.toy())


def texts(svg):
    return [
        "".join(element.itertext()).strip()
        for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_every_ok_row_is_named_and_no_other(toy):
    shown = set(texts(toy))
    assert {"naive", "joint", "joint_equal", "er", "lwf", "avalanche_replay"} <= shown
    assert not {"ewc", "si", "pnn"} & shown


def test_a_figure_says_how_many_rows_it_does_not_name(fabricated):
    rows = [fabricated.make(f"s{i}", fabricated.two_tasks((0.6, 0.9))) for i in range(80)]
    shown = texts(drawn([fabricated.make("naive", fabricated.two_tasks((0.6, 0.9))), *rows]))
    (said,) = [text for text in shown if "not named" in text]
    named = sum(text == "naive" or text.startswith("s") for text in shown)
    assert (
        "naive" in shown and said == f"FLOPs per seed · {81 - named} of 81 rows not named, for want of room"
    )


def test_the_same_records_give_the_same_bytes(toy, fabricated):
    assert drawn(fabricated.toy()) == toy


def test_a_network_that_grows_has_a_column(fabricated):
    records = fabricated.toy()
    for group in records[0].groups:
        group.parameters = [1000, 2500]
    table = comparison(records)
    (row,) = [row for row in table.rows if row.cells["growth"].value is not None]
    assert row.strategy == records[0].strategy and row.cells["growth"].value == 2.5
    assert "growth" in [column.name for column in table.columns]


def test_a_record_holds_pictures_as_they_were_learnt(fabricated):
    records = fabricated.toy()
    assert records[0].pictures is None
    shades = torch.arange(2 * 12 * 6, dtype=torch.uint8).view(2, 12, 2, 3, 1)
    records[0].groups[0].pictures = _as_png(shades)
    with Image.open(io.BytesIO(records[0].pictures)) as image:
        assert image.size == (6, 6)  # two classes of at most three pictures, 2 x 3 each
        assert image.getpixel((4, 3)) == shades[1, 1, 1, 1]


def test_stale_rows_say_so(fabricated):
    acc = fabricated.two_tasks((0.6, 0.9))
    records = [fabricated.make("er", acc, stale=True), fabricated.make("mir", acc)]
    assert "er (stale)" in texts(drawn(records))
    assert drawn(records[:1]) is None  # one row compares with nothing


def test_nothing_to_draw(fabricated):
    assert drawn([fabricated.make("er", status="failed", error={"reason": "no"})]) is None
    missing = fabricated.make("er", fabricated.two_tasks((0.6, 0.9), (0.7, 0.9)))
    missing.acc[0][2][0] = None
    assert drawn([missing]) is None


def test_forty_strategies_are_told_apart(fabricated):
    rows = [fabricated.make(f"s{i}", fabricated.two_tasks((0.6, 0.9))) for i in range(40)]
    assert len(set(looks(entries(rows)).values())) == 40


def test_no_version_no_date_no_outside_address(toy):
    assert "matplotlib" not in toy.lower() and "metadata" not in toy and "<image" not in toy
    addresses = {part.split('"')[0] for part in toy.split("http://")[1:]}
    assert addresses == {"www.w3.org/2000/svg", "www.w3.org/1999/xlink"}


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M1.0 2.0 L3.5 2.0 L3.5 2.0 L3.5 4.25 L5.0 6.0", "M1 2H3.5V4.25L5 6"),
        ("M0 0L2 0L2 1L0 1z", "M0 0H2V1H0z"),
        ("M1.0 2.0 L3.0 4.0 M3.0 5.0 L3.0 7.0", "M1 2L3 4M3 5V7"),
        ("M1.0 2.0 Q3.0 2.0 3.0 4.0", "M1 2Q3 2 3 4"),
    ],
)
def test_an_outline_is_the_same_in_fewer_letters(path, short):
    assert _short_path(path) == short
