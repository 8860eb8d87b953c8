"""Labelled data of one's own: what is found, cut, held out and refused, as a user meets it."""

import gzip
import io
import json
import sys
import unicodedata
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import own_data  # noqa: E402

from clbench.data.labelled.example import ANIMALS, write_photos  # noqa: E402

DAYS = pd.date_range("2021-01-01", periods=120, freq="9D").strftime("%Y-%m-%d")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("CLBENCH_DATA", raising=False)


def table(**columns) -> pd.DataFrame:
    """120 rows of three classes with two numbers, a text and a day; `columns` replace or add some."""
    draws = np.random.default_rng(0)
    number = np.arange(120) % 3
    made = {
        "width": number + draws.normal(0, 0.5, 120),
        "height": draws.normal(0, 1, 120),
        "label": np.array(["ash", "elm", "oak"])[number],
        "date": DAYS,
    }
    return pd.DataFrame(made | columns)


def texts(**columns) -> pd.DataFrame:
    said = {"text": [f"row {i} says {'abc'[i % 3]}" for i in range(120)]}
    return table(**said | columns).drop(columns=["width", "height"])


def encoded(
    number: int, mode: str = "RGB", size: tuple[int, int] = (12, 12), kind: str = "PNG", **more
) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)
    content = io.BytesIO()
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 256)
    elif mode != "RGB":
        image = image.convert(mode)
    image.save(content, kind, **more)
    return content.getvalue()


def folder(root: Path, classes: int = 2, each: int = 30, above: str = "") -> Path:
    """Folders of images by class, in a folder `above` them."""
    for k in range(classes * each):
        place = root / above / f"class{k % classes}" / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(1000 * len(above) + k))
    return root


def many_texts(**columns) -> pd.DataFrame:
    """300 texts of three classes, one every third day; `columns` replace or add some."""
    made = {
        "text": [f"row {i} says {'abc'[i % 3]}" for i in range(300)],
        "label": np.array(["ash", "elm", "oak"])[np.arange(300) % 3],
        "date": pd.date_range("2021-01-01", periods=300, freq="3D").strftime("%Y-%m-%d"),
    }
    return pd.DataFrame(made | columns)


def jsonl(rows: list[dict]) -> str:
    """As json writes it, which also takes what pandas does not."""
    return "\n".join(map(json.dumps, rows))


def inspected(here, *arguments) -> list[str]:
    done = here("data", "inspect", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# ---- what is found


def test_photos_by_class_and_month_are_found_and_the_printed_command_runs(tmp_path, here):
    write_photos(tmp_path / "photos", count=240)
    lines = inspected(here, "photos", "--picture", "samples.png")
    assert lines[0] == "240 images 32x32 in colour, 4 classes, 2024-01-01 to 2024-06-01"
    assert [line.split()[0] for line in lines[1:5]] == list(ANIMALS)
    assert "slices by quarter:" not in lines and "note: 4 rows repeat the input of another" in "\n".join(
        lines
    )
    assert "note: images came as 240 of 40x40" in "\n".join(lines)
    command, picture = lines[-2:]
    assert command.startswith("clbench run -b \"labelled_domain(path='photos', ") and "memory=" in command
    assert Image.open(picture).size == (180 + 16 * 34, 4 * 34)
    spec = command.split('"')[1].replace(")", ", steps=4)")
    done = here(
        "run", "-b", spec, "-s", "naive", "-s", "er", "--profile", "smoke", "--seeds", "2", "--workers", "0"
    )
    assert done.returncode == 0, done.stderr
    record = next((tmp_path / "my_results").rglob("*er*.json")).read_text()
    assert "dog" not in record and "0001.jpg" not in record


def test_inspect_needs_no_torch(tmp_path):
    import subprocess

    write_photos(tmp_path / "photos", count=120)
    code = (
        "import sys; sys.argv = ['clbench', 'data', 'inspect', 'photos', '--by', 'class']\n"
        "from clbench.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_a_leak_by_patient_and_a_column_that_gives_the_label_away_are_found(tmp_path, here):
    own_data.visits(tmp_path / "visits.csv")
    lines = inspected(here, "visits.csv", "--label", "outcome")
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert len(warnings) == 2 and 'column "discharge" alone tells the label of 100.0%' in warnings[0]
    assert 'values of "patient" have rows in training and in testing' in warnings[1]
    lines = inspected(
        here, "visits.csv", "--label", "outcome", "--group", "patient", "--without", "discharge"
    )
    assert not [line for line in lines if line.startswith("warning: ")]
    assert "without=['discharge'], group='patient'" in lines[-1]


def test_one_patient_is_on_one_side_and_so_are_copies(tmp_path, monkeypatch):
    from clbench.data.labelled import own
    from clbench.data.labelled.blocks import LabelColumns
    from clbench.data.labelled.dividing import Cut, divide

    own_data.visits(tmp_path / "visits.csv")
    columns = LabelColumns(label="outcome", group="patient")
    found = own.load(tmp_path / "visits.csv", own.Options(columns))
    rows = divide(found, Cut(), "visits")
    assert not set(found.group[rows.train].tolist()) & set(found.group[rows.test].tolist())
    assert len(rows.train) + len(rows.test) == 900 and 0.1 < len(rows.test) / 900 < 0.3
    write_photos(tmp_path / "photos", count=200)
    found = own.load(tmp_path / "photos", own.Options())
    rows = divide(found, Cut("month", min_rows=10), "photos")
    assert len(set(found.content.tolist())) == 196
    assert not set(found.content[rows.train].tolist()) & set(found.content[rows.test].tolist())


def test_rows_stay_on_their_side_when_others_are_added(tmp_path):
    from clbench.data.labelled import arrays
    from clbench.data.labelled.dividing import Cut, divide

    x, y = np.random.default_rng(0).normal(size=(400, 3)), np.arange(400) % 4
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    frame["town"] = ["York", "Bath"] * 150 + ["Leeds"] * 100  # a word that comes later
    for given in (x, frame):
        sides = [set(divide(arrays.found_of(given[:n], y[:n]), Cut(), "x").test.tolist()) for n in (300, 400)]
        assert {row for row in sides[1] if row < 300} == sides[0] and 0.1 < len(sides[0]) / 300 < 0.3


def test_images_of_every_mode_are_read_alike(tmp_path, here):
    root, turned = folder(tmp_path / "a", each=25), Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter
    odd = {
        "grey.png": encoded(1, "L"),
        "sixteen.png": encoded(2, "I;16"),
        "alpha.png": encoded(3, "RGBA"),
        "palette.gif": encoded(4, "P", kind="GIF"),
        "cmyk.jpg": encoded(5, "CMYK", kind="JPEG"),
        "turned.jpg": encoded(6, size=(12, 20), kind="JPEG", exif=turned),
    }
    for name, content in odd.items():
        (root / "class0" / name).write_bytes(content)
    lines = "\n".join(inspected(here, "a", "--by", "class"))
    assert (
        lines.startswith("56 images 32x32 in colour, 2 classes")
        and "of several modes (1 CMYK, 1 I;16" in lines
    )
    assert "images came as 55 of 12x12, 1 of 20x12" in lines


def test_pixels_of_every_mode_are_what_they_look_like(tmp_path):
    from clbench.data.labelled import own

    half = np.full((12, 12), 0.5, np.float32)
    corner = np.zeros((12, 12, 3), np.uint8)
    corner[:6, :6] = 255  # above on the left: on the right once it is turned
    turned = Image.Exif()
    turned[0x0112] = 6
    modes = [
        (Image.new("1", (12, 12), 1), "png", [255, 255, 255]),
        (Image.new("LA", (12, 12), (9, 0)), "png", [255, 255, 255]),  # seen through: white
        (Image.new("RGBA", (12, 12), (255, 0, 0, 128)), "png", [255, 127, 127]),
        (Image.new("CMYK", (12, 12), (0, 0, 0, 255)), "tiff", [0, 0, 0]),
        (Image.fromarray(half), "tiff", [128, 128, 128]),
        (Image.fromarray((half * 65536).astype(np.uint16)), "png", [128, 128, 128]),
        (Image.fromarray(corner), "png", [0, 0, 0]),
    ]
    for i, (image, ending, _) in enumerate(modes * 2):
        place = tmp_path / "d" / f"class{i // len(modes)}" / f"{i}.{ending}"
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place, **({"exif": turned} if image.mode == "RGB" else {}))
    found = own.load(tmp_path / "d", own.Options())
    assert found.x.reshape(-1, 12, 12, 3)[:, 2, 2].tolist() == [meant for *_, meant in modes * 2]


def test_16_bits_that_are_nearly_dark_are_told(tmp_path, here):
    for file in folder(tmp_path / "d").rglob("*.png"):
        dark = np.random.default_rng(int(file.stem)).integers(0, 4096, (12, 12)).astype(np.uint16)
        Image.fromarray(dark).save(file)
    assert "of 65535, so they are dark: scale them up if they hold 12 bits" in "\n".join(inspected(here, "d"))


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path, here):
    folder(tmp_path / "d")
    folder(tmp_path, classes=1, above="elsewhere")
    (tmp_path / "d" / "linked").symlink_to(tmp_path / "elsewhere" / "class0")
    (tmp_path / "d" / "class1" / "back").symlink_to(tmp_path / "d")
    (tmp_path / "d" / "class1" / "broken.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d" / "README").write_text("Photos.")
    lines = inspected(here, "d")
    assert lines[0] == "90 images 12x12 in colour, 3 classes"
    assert "left out: 1 files without an ending" in lines


def test_grey_images_of_one_size_stay_as_they_are(tmp_path, here):
    for k in range(40):
        place = tmp_path / "g" / f"class{k % 2}" / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(k, "L", (20, 14)))
    assert inspected(here, "g")[0] == "40 images 14x20 in grey, 2 classes"


def test_a_given_split_is_kept_in_folders_columns_and_arrays(tmp_path, here):
    folder(folder(tmp_path / "f", above="train"), each=5, above="test")
    assert "60 for training, 10 for testing, as the data say" in inspected(here, "f")
    table(split=["test" if i % 4 == 0 else "train" for i in range(120)]).to_csv(
        tmp_path / "t.csv", index=False
    )
    assert "90 for training, 30 for testing, as the data say" in inspected(here, "t.csv", "--by", "class")
    x = np.random.default_rng(0).integers(0, 255, (60, 6, 6), np.uint8)
    np.savez(
        tmp_path / "a.npz", x=x, y=np.arange(60) % 3 + 1, split=np.where(np.arange(60) < 45, "train", "val")
    )
    lines = inspected(here, "a.npz")
    assert "45 for training, 15 for testing, as the data say" in lines
    assert "note: 15 validation rows are taken as test rows" in lines


def test_training_rows_that_are_test_rows_are_dropped_where_that_is_asked_for(tmp_path, here):
    copies_across(tmp_path)
    lines = inspected(here, "labelled_class(path='d', duplicates='drop')")
    assert "59 for training, 21 for testing, as the data say" in lines
    assert "left out: 1 training rows that are test rows, too" in lines


def test_a_split_is_found_in_folders_at_any_depth(tmp_path, here):
    folder(folder(tmp_path / "f", above="2021-01/train"), each=5, above="2021-02/test")
    lines = inspected(here, "f", "--by", "class")
    assert lines[0].startswith("70 images") and lines[1].split()[0] == "class0"
    assert "60 for training, 10 for testing, as the data say" in lines
    for name in ("ash", "elm"):
        for side, each in (("train", 20), ("test", 5)):
            for k in range(each):
                place = tmp_path / "inside" / name / side / f"{k}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(encoded(hash_of(name, side, k)))
    assert "40 for training, 10 for testing, as the data say" in inspected(here, "inside")


def hash_of(*parts) -> int:
    return zlib.crc32(repr(parts).encode())


def test_classes_may_be_called_by_numbers_and_other_files_are_counted(tmp_path, here):
    for k in range(40):
        place = tmp_path / "d" / "2024-01" / ("0001", "1001")[k % 2] / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(encoded(k))
    for k in range(3):
        (tmp_path / "d" / "2024-01" / "0001" / f"{k}.HEIC").write_bytes(b"")
    lines = inspected(here, "d")
    assert [line.split()[0] for line in lines[1:3]] == ["0001", "1001"]
    assert "left out: 3 files with the ending .heic" in lines


def test_names_are_one_class_in_any_form_of_unicode_and_any_digits_are_a_name(tmp_path, here):
    composed, apart = unicodedata.normalize("NFC", "Bär"), unicodedata.normalize("NFD", "Bär")
    table(label=[composed, apart, "①"] * 40).to_csv(tmp_path / "d.csv", index=False)
    lines = inspected(here, "d.csv", "--by", "class")
    assert "2 classes" in lines[0] and {line.split()[0] for line in lines[1:3]} == {composed, "①"}


def test_a_csv_may_have_semicolons_long_texts_and_missing_numbers(tmp_path, here):
    texts(text=[f"row {i} " + "long " * 30_000 * (i == 7) for i in range(120)]).to_csv(
        tmp_path / "t.csv", index=False
    )
    assert inspected(here, "t.csv", "--by", "class")[0].startswith("120 texts")
    number = ["NaN" if i % 10 == 0 else str(i * i) for i in range(120)]
    table(number=number).to_csv(tmp_path / "d.csv", index=False, sep=";")
    lines = inspected(here, "d.csv", "--by", "class")
    assert lines[0].startswith("120 rows of 3 columns")
    assert 'note: "number" is missing or no number in 12 rows: its mean stands there' in lines


def test_a_class_that_cannot_be_tested_is_put_with_others(tmp_path, here):
    frame = texts(label=["oak"] + ["ash", "elm"] * 59 + ["ash"])
    frame.drop(columns="date").to_csv(tmp_path / "d.csv", index=False)
    command = inspected(here, "d.csv")[-1]
    assert "classes=[1, 2]" in command
    spec = command.split('"')[1]
    done = here("run", "-b", spec, "-s", "naive", "--profile", "smoke", "--seeds", "1", "--workers", "0")
    assert done.returncode == 0, done.stderr
    record = next((tmp_path / "my_results").rglob("*naive*.json")).read_text()
    assert "says" not in record and "oak" not in record


def test_tasks_of_one_class_each_are_no_question(tmp_path, here):
    table(label=["ash", "elm"] * 60).drop(columns="date").to_csv(tmp_path / "d.csv", index=False)
    for scenario in ("task", "domain"):
        spec = f"labelled_{scenario}(path='d.csv')"
        done = here("run", "-b", spec, "-s", "naive", "--profile", "smoke", "--seeds", "1")
        assert done.returncode == 2 and "each task has one class" in done.stderr, done.stderr


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "csv.gz"])
def test_every_kind_of_table_is_read(tmp_path, here, kind):
    frame = texts()
    write = {
        "jsonl": lambda path: frame.to_json(path, orient="records", lines=True),
        "parquet": frame.to_parquet,
    }
    write.get(kind, lambda path: frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ","))(
        tmp_path / f"a.{kind}"
    )
    lines = inspected(here, f"a.{kind}")
    assert lines[0] == "120 texts, 3 classes, 2021-01-01 to 2023-12-08"
    assert lines[-1].startswith(f"""clbench run -b "labelled_domain(path='a.{kind}', by='quarter'""")


def test_tables_point_to_images_or_hold_them(tmp_path, here):
    folder(tmp_path / "images")
    files = sorted((tmp_path / "images").rglob("*.png"))
    named = pd.DataFrame(
        {"path": [f.relative_to(tmp_path) for f in files], "class": [f.parent.name for f in files]}
    )
    named.to_csv(tmp_path / "named.csv", index=False)
    held = named.assign(image=[f.read_bytes() for f in files]).drop(columns="path")
    held.to_parquet(tmp_path / "held.parquet")
    first = [inspected(here, name)[:3] for name in ("named.csv", "held.parquet", "images")]
    assert first[0] == first[1] == first[2] and first[0][0] == "60 images 12x12 in colour, 2 classes"


def test_dates_are_in_utc_or_in_the_unit_that_is_asked_for(tmp_path, here):
    eve = ["2021-12-31T23:30:00-02:00", "2021-12-31T21:30:00-02:00"]
    many_texts(date=eve * 150).to_csv(tmp_path / "zones.csv", index=False)
    lines = inspected(here, "zones.csv", "--by", "year")
    assert lines[0].endswith("2021-12-31 to 2022-01-01") and "  2022 " in "\n".join(lines)
    seconds = 1_609_459_200 + np.arange(300) * 3 * 86_400
    many_texts(date=seconds).to_csv(tmp_path / "unix.csv", index=False)
    lines = inspected(here, "unix.csv", "--unit", "s", "--by", "quarter")
    assert lines[0].endswith("2021-01-01 to 2023-06-17") and "unit='s', by='quarter'" in lines[-1]


def test_rows_without_a_date_are_told_and_left_out_where_time_cuts(tmp_path, here):
    frame = many_texts()
    frame.loc[[5, 7], "date"] = ["soon", "01/02/2021"]
    frame.to_csv(tmp_path / "d.csv", index=False)
    assert "note: 2 rows have no date; they are used" in "\n".join(inspected(here, "d.csv", "--by", "class"))
    assert "left out: 2 no date" in inspected(here, "d.csv", "--by", "year")


def test_a_text_of_many_rows_and_a_rare_class_are_told(tmp_path, here):
    frame = many_texts()
    frame.loc[:59, "text"] = "untitled"
    frame.loc[299, "label"] = "yew"
    frame.to_csv(tmp_path / "d.csv", index=False)
    lines = inspected(here, "d.csv", "--by", "class")
    assert "note: the commonest input is that of 60 of 300 rows (20%)" in lines
    assert "classes are unequal: 100 of ash, 1 of yew; they stay so" in lines
    assert "note: class 'yew': too few rows, or groups, to test it; it is learnt all the same" in lines


def test_missing_values_and_row_numbers_that_give_the_label_away_are_told(tmp_path, here):
    number = np.arange(900)
    lab = np.random.default_rng(0).normal(size=900)
    given = np.where(number % 3, lab, np.nan)  # to those who are well
    sick = pd.DataFrame({"lab": given, "age": lab[::-1], "sick": number % 3 == 0})
    sick.to_csv(tmp_path / "lab.csv", index=False)
    pd.DataFrame({"lab": lab, "row": number, "kind": number // 225}).to_csv(tmp_path / "row.csv", index=False)
    for name, label, column in (("lab.csv", "sick", "lab"), ("row.csv", "kind", "row")):
        lines = inspected(here, name, "--label", label)
        assert [line.split('"')[1] for line in lines if line.startswith("warning: ")] == [column]


def test_arrays_of_npy_files_are_read(tmp_path, here):
    (tmp_path / "d").mkdir()
    for name, array in {"x": X, "y": Y, "t": np.datetime64("2021-01-01") + np.arange(60) * 20}.items():
        np.save(tmp_path / "d" / f"{name}.npy", array)
    lines = inspected(here, "d", "--by", "year", "--min-rows", "9")
    assert lines[0] == "60 rows of 4 columns, 3 classes, 2021-01-01 to 2024-03-26"
    assert inspected(here, "d/x.npy", "--by", "year", "--min-rows", "9")[:-1] == lines[:-1]


def test_days_that_are_all_of_one_month_cut_nothing(tmp_path, here):
    folder(tmp_path / "2024-05", each=40)
    lines = inspected(here, ".")
    assert lines[0] == "80 images 12x12 in colour, 2 classes, 2024-05-01 to 2024-05-01"
    assert lines[-1].startswith("clbench run -b \"labelled_class(path='.'")


def test_sets_of_torchvision_are_read_from_a_data_folder(tmp_path, here, monkeypatch):
    folder(tmp_path / "sets" / "ImageFolder")
    monkeypatch.setenv("CLBENCH_DATA", str(tmp_path / "sets"))
    lines = inspected(here, "torchvision:ImageFolder")
    assert (
        lines[0] == "60 images 12x12 in colour, 2 classes" and "path='torchvision:ImageFolder'" in lines[-1]
    )
    done = here("data", "inspect", "torchvision:Flowers102")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Flowers102 is not in any data folder; put it under $CLBENCH_DATA" in done.stderr


@pytest.mark.parametrize(
    ("name", "sides"),
    [("OxfordIIITPet", ("trainval", "test")), ("Imagenette", ("train", "val"))],
)
def test_splits_of_torchvisions_sets_may_have_other_names(tmp_path, monkeypatch, name, sides):
    from clbench.data.labelled import torchvision_sets

    monkeypatch.setenv("CLBENCH_DATA", str(tmp_path))
    named = {"tench": "n01440764", "church": "n03028079"}
    for side, each in zip(sides, (20, 5), strict=True):
        files = [f"{one}_{side}{k}" for one in named for k in range(each)]
        for k, one in enumerate(files):
            place = tmp_path / "imagenette2" / side / named[one.split("_")[0]] / f"{one}.JPEG"
            if name == "OxfordIIITPet":
                place = tmp_path / "oxford-iiit-pet" / "images" / f"{one}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(encoded(hash_of(side, k), kind="JPEG"))
        if name == "OxfordIIITPet":
            (tmp_path / "oxford-iiit-pet" / "annotations").mkdir(exist_ok=True)
            lines = [f"{one} {1 + one.startswith('church')} 1 1" for one in files]
            (tmp_path / "oxford-iiit-pet" / "annotations" / f"{side}.txt").write_text("\n".join(lines))
    found = torchvision_sets.load(name, None)
    assert found.split.tolist() == [0] * 40 + [1] * 10 and len(found.about.classes) == 2


def test_missing_values_of_nullable_columns_are_missing(tmp_path, here):
    def nullable(some, kind):
        return pd.array([None, *some], kind)

    frame = many_texts(
        text=nullable([f"row {i} says {'abc'[i % 3]}" for i in range(1, 300)], "string"),
        patient=nullable([i // 2 for i in range(1, 300)], "Int64"),
        ward=nullable([True, False, True] * 99 + [True, False], "boolean"),
    )
    frame.to_parquet(tmp_path / "d.parquet")
    lines = inspected(here, "d.parquet", "--group", "patient", "--by", "ward")
    assert lines[0].startswith("299 texts") and "left out: 1 empty text" in lines
    assert {line.split()[0] for line in lines[5:7]} == {"False", "True"}
    frame["label"] = nullable([1, 2] * 149 + [1], "Int64")
    frame.to_parquet(tmp_path / "d.parquet")
    assert "left out: 1 no label" in inspected(here, "d.parquet", "--by", "class")


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_several_authors_of_a_row_are_one_name(tmp_path, here, kind):
    frame = many_texts(author=[["Ann", "Bea"], ["Cy"], None, ["Cy"]] * 75)
    frame.to_json(tmp_path / "d.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "d.parquet")
    lines = inspected(here, f"d.{kind}", "--by", "class")
    assert lines[0].startswith("300 texts")


def test_halves_of_characters_become_a_mark(tmp_path, here):
    cut = "cut \ud83d"
    rows = [{"text": f"{i} {cut}", "label": ["a", "b", cut][i % 3], "site": cut} for i in range(300)]
    (tmp_path / "texts.jsonl").write_text(jsonl(rows))
    lines = inspected(here, "texts.jsonl", "--group", "text", "--text", "text", "--by", "class")
    assert lines[0].startswith("300 texts, 3 classes") and lines[3].startswith("  cut \ufffd  ")
    rows = [{"word": ["b", cut][i % 2], "label": "ab"[i // 2 % 2], "date": cut} for i in range(120)]
    (tmp_path / "words.jsonl").write_text(jsonl(rows))
    lines = inspected(here, "words.jsonl", "--by", "class")
    assert lines[0].startswith("120 rows of 1 columns") and 'no date: "cut \ufffd"' in "\n".join(lines)


def test_hidden_folders_hold_no_classes_and_no_tables(tmp_path, here):
    root = folder(tmp_path / "d")
    for hidden in (".git", "__MACOSX", ".ipynb_checkpoints", "class0/.Trash"):
        folder(root, each=3, above=hidden)
    (root / ".ipynb_checkpoints" / "notes-checkpoint.csv").write_text("a,b\n1,2\n")
    lines = inspected(here, "d")
    assert lines[0] == "60 images 12x12 in colour, 2 classes" and "left out" not in "\n".join(lines)
    table().to_csv(root / ".ipynb_checkpoints" / "d.csv", index=False)
    assert inspected(here, "d/.ipynb_checkpoints/d.csv")[0].startswith(
        "120 rows"
    )  # named, so not passed over


def test_numbers_that_no_float32_holds_are_missing(tmp_path, here):
    large = ["1e300" if i % 10 == 0 else str(i * i) for i in range(120)]
    table(number=large).to_csv(tmp_path / "d.csv", index=False)
    rows = [{"number": 10**400 if i == 7 else i, "label": "ab"[i % 2], "date": 10**400} for i in range(120)]
    (tmp_path / "d.jsonl").write_text(jsonl(rows))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lines = inspected(here, "d.csv", "--by", "class")
        more = inspected(here, "d.jsonl", "--unit", "s", "--by", "class")
    assert 'note: "number" is missing or no number in 12 rows: its mean stands there' in lines
    assert 'note: "number" is missing or no number in 1 rows: its mean stands there' in more


def test_names_of_thousands_of_digits_are_names(tmp_path, here):
    many = "9" * 5000
    table(label=[many, "b", "10"] * 40, site=["2", many, "a"] * 40).to_csv(tmp_path / "d.csv", index=False)
    lines = inspected(here, "d.csv", "--by", "site")
    assert [line.split()[0] for line in lines[1:4]] == ["10", many, "b"]
    assert [line.split()[0] for line in lines[5:8]] == ["2", many, "a"]


# ---- bad input, a row each


def of_frame(frame: pd.DataFrame, **more):
    return lambda root: frame.to_csv(root / "d.csv", index=False, **more)


def of_arrays(**arrays):
    return lambda root: np.savez(root / "d.npz", **arrays)


def broken_images(root: Path) -> None:
    folder(root / "d")
    for file in (root / "d").rglob("*.png"):
        file.write_bytes(file.read_bytes()[:60])


def huge_images(root: Path) -> None:
    """Small files that would fill a gigabyte."""
    content = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(content, "PNG")
    for file in folder(root / "d", each=2).rglob("*.png"):
        file.write_bytes(content.getvalue())


def named_images(name: str):
    return lambda root: pd.DataFrame({"path": [name] * 4, "label": list("abab")}).to_csv(root / "d.csv")


def written(name: str, content: bytes):
    return lambda root: (root / name).write_bytes(content)


def half_of(name: str):
    """A table or archive that breaks off."""

    def make(root: Path) -> None:
        if name.endswith("npz"):
            np.savez(root / name, x=X, y=Y)
        else:
            frame = table()
            frame.to_parquet(root / name) if name.endswith("parquet") else frame.to_csv(root / name)
        content = (root / name).read_bytes()
        (root / name).write_bytes(content[: len(content) // 2])

    return make


def npy_files(**arrays):
    def make(root: Path) -> None:
        (root / "d").mkdir()
        for name, array in arrays.items():
            np.save(root / "d" / f"{name}.npy", array)

    return make


def not_utf8(root: Path) -> None:
    (root / "d.csv").write_bytes(b"text,label\n" + b"caf\xe9,a\nx,b\n" * 20)


def in_a_tar(root: Path) -> None:
    import tarfile

    folder(root / "f")
    (root / "d").mkdir()
    with tarfile.open(root / "d" / "a.tar", "w") as archive:
        archive.add(root / "f", "f")


def copies_across(root: Path) -> None:
    folder(folder(root / "d", above="train"), each=10, above="test")
    (root / "d" / "test" / "class0" / "copy.png").write_bytes((root / "d/train/class0/0.png").read_bytes())


def values_for_a_cell(column: str, value):
    """A jsonl whose third row has several values in one cell."""
    rows = table().assign(site="north").to_dict("records")
    rows[2][column] = value
    return written("d.jsonl", jsonl(rows).encode())


def parquet(names: list[str], *columns):
    """A parquet whose columns may be called alike."""

    def make(root: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet

        arrays = [pa.array(column.tolist()) for column in columns]
        pyarrow.parquet.write_table(pa.Table.from_arrays(arrays, names=names), root / "d.parquet")

    return make


def beside(name: str, content: bytes):
    """Photos in folders, with a table somewhere among them."""
    return lambda root: (folder(root / "d") / name).write_bytes(content)


def only_in_test(root: Path) -> None:
    folder(folder(root / "d", above="train"), classes=3, each=10, above="test")


X, Y = np.random.default_rng(0).normal(size=(60, 4)), np.arange(60) % 3
BAD = {
    "no such path": (lambda root: None, "d.csv", "d.csv is not here"),
    "nothing inside": (lambda root: (root / "d").mkdir(), "d", "nothing to read"),
    "unclear dates": (
        of_frame(table(date="03/04/2021")),
        "d.csv --by month",
        'no date: "03/04/2021" (d.csv, line 2), "03/04/2021" (d.csv, line 3), "03/04/2021" (d.csv, line 4);',
    ),
    "1970": (of_frame(table(date="1970-01-01")), "d.csv --by year", "1970-01-01 or in the future"),
    "the future": (of_frame(table(date="2914-01-01")), "d.csv --by year", "1970-01-01 or in the future"),
    "unix time": (
        of_frame(table(date=1_609_459_200)),
        "d.csv --by year",
        'unix time has to be asked for: unit="s"',
    ),
    "no times": (of_frame(table().drop(columns="date")), "d.csv --by year", "no times to cut by year"),
    "an empty slice": (
        of_frame(table()),
        "d.csv --by 2001-01-01,2002-01-01,2023-01-01",
        "slice 2001-01-01 to 2002-01-01 has 0 training and 0 test rows",
    ),
    "one slice": (of_frame(table()), "d.csv --by year --min-rows 500", "gives one slice"),
    "damaged images": (broken_images, "d", "60 with image that cannot be decoded"),
    "huge images": (huge_images, "d", "4 with image too large"),
    "tar": (in_a_tar, "d --label x", "tar files hold pairs"),
    "pickle": (of_arrays(x=X, y=np.array([{}] * 60, object)), "d.npz", "cannot be read without pickle"),
    "a path that leads out": (named_images("../x.png"), "d.csv", "lies outside"),
    "an absolute path": (named_images("/x.png"), "d.csv", "the image /x.png lies outside"),
    "images not there": (named_images("x.png"), "d.csv", "4 with an image file that is not there"),
    "an empty table": (written("d.csv", b""), "d.csv", "d.csv: no row to read"),
    "only names": (written("d.csv", b"text,label\n"), "d.csv", "d.csv: no row to read"),
    "no UTF-8 in jsonl": (
        written("d.jsonl", b'{"text": "caf\xe9", "label": "a"}\n'),
        "d.jsonl",
        "d.jsonl is not UTF-8: byte 0xe9 at 13 of a block",
    ),
    "half an object": (
        written("d.jsonl", b'{"text": "a", "label": "b"}\n{"text": "a'),
        "d.jsonl",
        "d.jsonl cannot be read as jsonl: line 2",
    ),
    "half a csv.gz": (half_of("d.csv.gz"), "d.csv.gz", "d.csv.gz cannot be read as csv: Compressed file"),
    "a damaged csv.gz": (
        written("d.csv.gz", gzip.compress(b"", mtime=0)[:10] + b"\xff"),  # no block of data begins so
        "d.csv.gz",
        "d.csv.gz cannot be read as csv: Error -3",
    ),
    "half a parquet": (half_of("d.parquet"), "d.parquet", "d.parquet cannot be read as parquet"),
    "half an npz": (half_of("d.npz"), "d.npz", "d.npz cannot be read without pickle: File is not a zip"),
    "no npz": (written("d.npz", b"PK"), "d.npz", "d.npz cannot be read without pickle"),
    "objects in npy": (npy_files(x=X, y=np.array([{}] * 60, object)), "d", "d cannot be read without pickle"),
    "no y in npy": (npy_files(x=X), "d", "d: no array y"),
    "a column of npy": (npy_files(x=X, y=Y), "d --by site", "npy files have no names to choose from (site)"),
    "dates in npz that are none": (
        of_arrays(x=X, y=Y, t=["soon"] * 60),
        "d.npz",
        "60 of 60 rows have a time",
    ),
    "dates in npz with a fraction": (of_arrays(x=X, y=Y, t=X[:, 0]), "d.npz", "60 of 60 rows have a time"),
    "a row of npz without a label": (
        of_arrays(x=X, y=np.where(np.arange(60) == 4, "", Y.astype(str))),
        "d.npz",
        "y has no label in row 4",
    ),
    "equal inputs": (
        of_frame(texts(text="untitled")),
        "d.csv --by class",
        "no row can be held out for testing: all rows of a class have the same input",
    ),
    "no UTF-8": (not_utf8, "d.csv --label label", "is not UTF-8: byte 0xe9"),
    "empty texts": (of_frame(texts(text="")), "d.csv --text text", "120 with empty text"),
    "copies across the split": (copies_across, "d", "labelled_class(path=…, duplicates='drop')"),
    "a group across the split": (
        of_frame(table(split=["train", "test"] * 60, patient=np.arange(120) // 4)),
        "d.csv --group patient",
        "30 groups have rows in training and in testing",
    ),
    "a class in test only": (only_in_test, "d", "class 'class2': test rows and no training row"),
    "labels missing": (
        of_frame(table(label=["a", "b", ""] * 40)),
        "d.csv",
        "40 of 120 rows have no label: d.csv, line 4, d.csv, line 7, d.csv, line 10",
    ),
    "one class": (of_frame(table(label="oak")), "d.csv", "all rows are of one class, 'oak'"),
    "a label of each row": (of_frame(table(label=range(120))), "d.csv", "120 classes in 120 rows"),
    "labels of a row": (
        values_for_a_cell("label", ["ash", "elm"]),
        "d.jsonl",
        "a label is one value, and d.jsonl, line 3 has a list of 2",
    ),
    "a label in a list": (values_for_a_cell("label", ["ash"]), "d.jsonl", "line 3 has a list of 1"),
    "a label in an object": (values_for_a_cell("label", {"a": 0}), "d.jsonl", "has a dictionary of 1"),
    "sites of a row to group by": (
        values_for_a_cell("site", [1, 2]),
        "d.jsonl --group site",
        "a group is one value, and d.jsonl, line 3 has a list of 2",
    ),
    "sites of a row to cut by": (
        values_for_a_cell("site", [1, 2]),
        "d.jsonl --by site",
        "what tasks are cut by is one value, and d.jsonl, line 3 has a list of 2",
    ),
    "labels of a row of parquet": (
        parquet(["x", "label"], np.arange(60), np.eye(3)[np.arange(60) % 3]),
        "d.parquet",
        "a label is one value, and d.parquet, row 1 has a list of 3",
    ),
    "two labels": (parquet(["x", "label", "label"], *[np.arange(60)] * 3), "d.parquet", "has 'label' twice"),
    "two images": (
        parquet(["image", "image", "label"], *[np.arange(60)] * 3),
        "d.parquet",
        "has 'image' twice",
    ),
    "two sites": (parquet(["site", "site", "y"], *[np.arange(60)] * 3), "d.parquet", "has 'site' twice"),
    "notes beside photos": (
        beside("notes.csv", b"a,b\n1,2\n"),
        "d",
        "which of a, b is the label? say it with --label; of pairs, which is the caption, with --caption; "
        "notes.csv is read as the data, so the 60 images in folders are not: move it away",
    ),
    "notes beside photos, with a label": (
        beside("notes.csv", b"a,b\n1,2\n"),
        "d --label kind",
        'd/notes.csv: no "kind"; there are a, b; notes.csv is read as the data',
    ),
    "an empty table among photos": (
        beside("class1/x.jsonl", b""),
        "d",
        "no row to read; give a first line with names, and rows below it; class1/x.jsonl is read as the data",
    ),
    "a quantity": (of_frame(table(label=X[:, 0].repeat(2))), "d.csv", "a quantity is no class"),
    "no label column": (of_frame(table()), "d.csv --label species", 'no "species"; there are width, height'),
    "a text of each row": (
        of_frame(table(name=[f"n{i}" for i in range(120)])),
        "d.csv",
        '"name" has 120 different texts',
    ),
    "neither side": (of_frame(table(split="fold 3")), "d.csv", "120 rows are on no side of the split"),
    "one side": (of_frame(table(split="train")), "d.csv", "the split has training rows only"),
    "lengths": (of_arrays(x=X, y=Y[:50]), "d.npz", "60 rows of x and 50 of y"),
    "NaN": (of_arrays(x=np.where(X > 2, np.nan, X), y=Y), "d.npz", "x has NaN or infinite values in"),
    "shape": (of_arrays(x=X.reshape(60, 2, 1, 2, 1), y=Y), "d.npz", "x has the shape [60, 2, 1, 2, 1]"),
    "no y": (of_arrays(x=X, z=Y), "d.npz --label y", 'no "y"; there are x, z'),
    "no folders of that name": (
        lambda root: folder(root / "d"),
        "d --label kind",
        "no folder is called kind=…, as label needs",
    ),
    "no folders to cut by": (
        lambda root: folder(root / "d"),
        "d --by site",
        "no folder is called site=…, as by needs\n",
    ),
    "a month of photos in another case": (
        lambda root: folder(root / "d"),
        "d --by Month",
        "no folder is called Month=…, as by needs; did you mean month?",
    ),
    "a month of a table in another case": (
        of_frame(table()),
        "d.csv --by Month",
        "date; did you mean month?",
    ),
    "a year of arrays in another case": (of_arrays(x=X, y=Y), "d.npz --by YEAR", "y; did you mean year?"),
    "pixels over float32": (
        of_arrays(x=np.full((60, 2, 2), 1e300), y=Y),
        "d.npz",
        "in 60 of 60 rows, first in row 0 (float32 holds none over 3.4e38)",
    ),
    "pictures without pixels": (of_arrays(x=X[:, :0, None], y=Y), "d.npz", "x has the shape [60, 0, 1]"),
    "one-hot labels": (of_arrays(x=X, y=np.eye(3)[Y]), "d.npz", "y has the shape [60, 3]: give one value"),
    "a column of images": (lambda root: folder(root / "d"), "d --text said", "text is of tables"),
    "a picture of a table": (of_frame(table()), "d.csv --picture p.png", "--picture draws images"),
    "a count of years": (of_frame(table()), "d.csv --by year --min-rows 9 --count 3", "count is of --by"),
    "which is the label": (
        of_frame(table().rename(columns={"label": "species"})),
        "d.csv",
        "which of width, height, species, date is the label? say it with --label",
    ),
    "several options": (of_frame(table()), "d.csv --label label --caption date", "give one"),
    "too many values": (of_frame(table()), "d.csv --by width", "width has 120 different values"),
    "torchvision": (lambda root: None, "torchvision:Flower", "torchvision has no data set Flower"),
    "a set that needs more": (lambda root: None, "torchvision:DatasetFolder", "needs loader, too"),
    "a set of other splits": (lambda root: None, "torchvision:EMNIST", "it has {'byclass', 'bymerge', "),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, here, what):
    make, arguments, said = BAD[what]
    make(tmp_path)
    done = here("data", "inspect", *arguments.split())
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr, done.stderr


def test_a_few_bad_rows_are_left_out_and_counted(tmp_path, here):
    root = folder(tmp_path / "d", each=80)
    (root / "class0" / "cut.png").write_bytes(encoded(1)[:50])
    (root / "class0" / "empty.jpg").write_bytes(b"")
    (root / "class0" / "half.jpg").write_bytes(encoded(2, size=(99, 99), kind="JPEG")[:3000])  # opens
    assert "left out: 3 image that cannot be decoded" in inspected(here, "d")
    label = ["a", "b"] * 150
    label[7] = ""
    frame = pd.DataFrame({"w": np.arange(300), "label": label})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert "left out: 1 no label" in inspected(here, "t.csv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("order=['ash', 'elm']", "order names 2 classes, and there are 3"),
        ("order=['ash', 'elm', 'fir']", "no class 'fir'; there are ash, elm, oak"),
        ("classes=[2, 2]", "give how many classes each task has, 3 together"),
        ("tasks=4", "tasks=4: there are 3 classes"),
        ("tasks=2, classes=[1, 2]", "tasks says how many, and classes says which"),
        ("by='year', tasks=2", "tasks, classes and order are of by='class'"),
        ("by='year', count=2", "count is of by='quantile'"),
        ("net='small_conv'", "net='small_conv' is for images"),
        ("size=2", "size takes"),
        ("size=40", "size is of images"),
        ("features=['weight']", 'no "weight"'),
        ("path=''", "labelled_class needs a path"),
        ("test='d.csv'", "120 training rows are test rows, too"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(tmp_path, here, arguments, said):
    table().to_csv(tmp_path / "d.csv", index=False)
    given = arguments if "path=" in arguments else f"path='d.csv', {arguments}"
    done = here("run", "-b", f"labelled_class({given})", "-s", "naive", "--profile", "smoke", "--seeds", "1")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and said in done.stderr, done.stderr
    assert not (tmp_path / "my_results").exists()
