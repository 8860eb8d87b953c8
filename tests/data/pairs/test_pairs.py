"""Dated pairs from files: what is read, how it is cut, and what happens to bad input, one row of the table
each."""

import gzip
import io
import json
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from clbench.data import files, sums
from clbench.data.pairs import dates, images, inspect, shards, slices, store, tables, tic, words
from clbench.data.pairs.rows import Columns
from clbench.data.pairs.sources import Source, natural_order
from clbench.data.pairs.store import Options
from clbench.data.states import state_of
from clbench.errors import InputError

SMALL = {"min_rows": 40, "least": 20, "n_test": None}
N = 400  # pairs in two years: 200 each, a sixth of them held out


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("CLBENCH_DATA", raising=False)


def picture(number: int, kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).resize((40, 40), Image.Resampling.NEAREST).save(content, kind)
    return content.getvalue()


def day(i: int) -> str:
    return f"{2014 + i // (N // 2)}-{1 + i % 12:02}-{1 + i % 28:02}"


def table(n: int = N, **columns) -> pd.DataFrame:
    made = {
        "text_a": [f"query {i}" for i in range(n)],
        "caption": [f"passage number {i}" for i in range(n)],
        "time": [day(i) for i in range(n)],
    }
    return pd.DataFrame(made | columns)


def load(path: Path, test: Path | None = None, **options) -> store.Pairs:
    return store.load(path, Options(**SMALL | options), test)


def test_every_kind_of_table_gives_the_same_pairs(tmp_path):
    frame = table()
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "a.parquet")
    np.savez(
        tmp_path / "a.npz",
        text=frame.text_a.to_numpy(str),
        captions=frame.caption.to_numpy(str),
        times=frame.time.to_numpy("datetime64[D]"),
    )
    found = [load(tmp_path / f"a.{kind}") for kind in ("csv", "tsv", "csv.gz", "jsonl", "parquet", "npz")]
    for pairs in found:
        assert (
            pairs.names == ("2014", "2015")
            and pairs.shape is None
            and not set(pairs.skipped) - {"held out or over the limit"}
        )
        assert np.array_equal(pairs.left, words.hash_words(frame.text_a)) and np.array_equal(
            pairs.right, found[0].right
        )
        assert all(
            np.array_equal(a, b)
            for a, b in zip(pairs.train + pairs.test, found[0].train + found[0].test, strict=True)
        )
        years = [set(frame.time.str[:4].iloc[rows]) for rows in pairs.train + pairs.test]
        assert years == [{"2014"}, {"2015"}] * 2
    assert len({pairs.fingerprint for pairs in found}) == 6


def test_columns_may_have_any_name(tmp_path):
    table().rename(columns={"text_a": "q", "caption": "a", "time": "when"}).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert load(tmp_path / "a.csv", columns=Columns(text="q", caption="a", time="when")).names == (
        "2014",
        "2015",
    )
    with pytest.raises(InputError, match='no "question"; there are q, a, when'):
        load(tmp_path / "a.csv", columns=Columns(text="question"))
    with pytest.raises(InputError, match="which of q, a, when is the image or text"):
        load(tmp_path / "a.csv")


def test_images_by_path_by_bytes_and_as_arrays(tmp_path):
    for i in range(N):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    frame = table().drop(columns="text_a")
    frame.assign(image=[f"{i}.png" for i in range(N)]).to_csv(tmp_path / "paths.csv", index=False)
    frame.assign(image=[picture(i) for i in range(N)]).to_parquet(tmp_path / "bytes.parquet")
    arrays = np.stack([np.asarray(Image.open(io.BytesIO(picture(i)))) for i in range(N)])
    np.savez(
        tmp_path / "arrays.npz",
        images=arrays,
        captions=frame.caption.to_numpy(str),
        times=frame.time.to_numpy(str),
    )
    found = [load(tmp_path / name, size=32) for name in ("paths.csv", "bytes.parquet", "arrays.npz")]
    assert all(pairs.shape == (32, 32, 3) and pairs.left.dtype == np.uint8 for pairs in found)
    assert all(np.array_equal(pairs.left, found[0].left) for pairs in found)
    assert load(tmp_path / "arrays.npz").shape == (40, 40, 3)  # as they are


def test_uids_may_be_numbers_and_a_text_for_an_image_is_no_image(tmp_path):
    table(uid=range(N)).to_parquet(tmp_path / "a.parquet")
    assert len(load(tmp_path / "a.parquet").right) == N
    table().rename(columns={"text_a": "image"}).assign(image="x" * 5000).to_csv(
        tmp_path / "b.csv", index=False
    )
    with pytest.raises(InputError, match="no pair could be read .400 with no image."):
        load(tmp_path / "b.csv")


@pytest.mark.parametrize(
    "number, advice",
    [
        ("202301", "write 2023-01"),
        ("20230115120000", "write 2023-01-15T12:00:00"),
        ("45000.0", "a spreadsheet's count of days? then write 2023-03-15"),
        ("123456", 'unix time has to be asked for: unit="s"'),
        ("1700000000000000000", 'unix time is read in seconds and milliseconds: divide, and say unit="ms"'),
    ],
)
def test_what_to_write_for_a_number_that_is_no_date(number, advice):
    with pytest.raises(InputError) as caught:
        dates.read([number], "iso", ["row 1"], "a.csv")
    assert str(caught.value).endswith(f"; {advice}")


def test_unix_time_where_it_is_asked_for(tmp_path):
    seconds = (pd.to_datetime(table().time) - pd.Timestamp("1970-01-01")) // pd.Timedelta("1s")
    table(time=seconds).to_csv(tmp_path / "s.csv", index=False)
    table(time=seconds * 1000).to_csv(tmp_path / "ms.csv", index=False)
    assert (
        load(tmp_path / "s.csv", unit="s").names
        == load(tmp_path / "ms.csv", unit="ms").names
        == ("2014", "2015")
    )
    with pytest.raises(InputError, match=r'unix time has to be asked for: unit="s"'):
        load(tmp_path / "s.csv")
    with pytest.raises(
        InputError,
        match=r'400 of 400 rows .* "1388534400000" \(ms.csv, line 2\), .*these look like unit="ms"',
    ):
        load(tmp_path / "ms.csv", unit="s")
    for wrong in ("2914-01-01", "1970-01-01"):
        table(time=[wrong] * N).to_csv(tmp_path / "wrong.csv", index=False)
        with pytest.raises(InputError, match="1970-01-01 or in the future"):
            load(tmp_path / "wrong.csv")


@pytest.mark.parametrize("bad", ["03/04/2014", "soon", "", "13.04.2014"])
def test_a_time_is_never_guessed(tmp_path, bad):
    frame = table()
    frame.assign(date=bad).drop(columns="time").to_json(tmp_path / "all.jsonl", orient="records", lines=True)
    with pytest.raises(
        InputError, match="400 of 400 rows have a time that is no date"
    ):  # pandas would convert a `date`
        load(tmp_path / "all.jsonl")
    frame.loc[:2, "time"] = bad
    frame.to_csv(tmp_path / "few.csv", index=False)  # 3 of 400: left out and counted
    assert load(tmp_path / "few.csv").skipped["outside all slices"] == 3
    frame.loc[:9, "time"] = bad
    frame.to_csv(tmp_path / "many.csv", index=False)
    with pytest.raises(
        InputError,
        match=rf'10 of 400 rows have a time that is no date: "{bad}" \(many.csv, line 2\), .*line 3',
    ):
        load(tmp_path / "many.csv")


def test_times_are_in_utc(tmp_path):
    table(time=["2014-12-31T23:30:00-02:00"] * 200 + ["2014-12-31T23:30:00Z"] * 200).to_csv(
        tmp_path / "a.csv", index=False
    )
    pairs = load(tmp_path / "a.csv")
    assert pairs.names == ("2014", "2015") and set(pairs.train[0]) <= set(range(200, 400))


def test_too_few_rows_name_the_counts_and_what_would_help(tmp_path):
    table().to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(
        InputError,
        match=r"slice 2014-01 has too few pairs: 20 for training .*2014-01: \d+ \+ \d+, .*min_rows",
    ):
        load(tmp_path / "a.csv", by="month", min_rows=1)
    assert load(tmp_path / "a.csv", by="month", min_rows=190).names == (
        "2014-01 to 2014-12",
        "2015-01 to 2015-12",
    )


@pytest.mark.parametrize(
    ("by", "count", "names"),
    [
        ("year", None, ("2014", "2015")),
        ("quantile", 2, ("2014-01-01 to 2014-12-28", "2015-01-01 to 2015-12-28")),
        (
            ("2014-01-01", "2014-07-01", "2016-01-01"),
            None,
            ("2014-01-01 to 2014-07-01", "2014-07-01 to 2016-01-01"),
        ),
    ],
)
def test_ways_to_cut(by, count, names):
    when = np.array([day(i) for i in range(N)], "datetime64[D]")
    place, found = slices.cut(when, by, count, 40)
    assert found[0][:10] == names[0][:10] and len(found) == len(names)
    assert (np.sort(place) == place[np.argsort(when, kind="stable")]).all()  # later is in no earlier slice


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("week", "write year, quarter, month"),
        (("2014-01-01",), "at least two edges"),
        (("2015-01-01", "2014-01-01"), "each after the one before"),
        (("a", "b"), "ISO dates"),
    ],
)
def test_wrong_cuts(by, message):
    with pytest.raises(InputError, match=message):
        slices.cut(np.array(["2014-01-01", "2015-01-01"], "datetime64[D]"), by, None, 1)


def test_a_pair_stays_on_its_side_and_equal_ones_never_straddle(tmp_path):
    frame = table()
    frame.loc[200:219, "caption"] = frame.caption[:20].to_list()  # said again a year later
    frame.to_csv(tmp_path / "a.csv", index=False)
    more = pd.concat([frame, table(500)[400:].assign(time="2015-05-05")])
    more.to_csv(tmp_path / "b.csv", index=False)
    first, second = load(tmp_path / "a.csv"), load(tmp_path / "b.csv")
    side = {row: "test" for rows in first.test for row in rows} | {
        row: "train" for rows in first.train for row in rows
    }
    assert all(side.get(row) != "test" for rows in second.train for row in rows)
    assert all(side.get(row) != "train" for rows in second.test for row in rows)
    sides = [set(first.group[np.concatenate(rows)].tolist()) for rows in (first.train, first.test)]
    assert not sides[0] & sides[1]
    assert all(first.group[i] == first.group[200 + i] for i in range(20))
    assert all(len(set(first.group[rows])) == len(rows) == len(first.test[0]) for rows in first.test)


def test_bad_rows_are_left_out_and_counted(tmp_path):
    whole = picture(0, "JPEG")
    broken = {0: whole[: len(whole) // 2], 1: whole[:20], 2: b"no image", 3: b""}
    content = [broken.get(i, picture(i)) for i in range(N)]
    captions = [" " if i in (4, 5) else f"passage {i}" for i in range(N)]
    table(image=content, caption=captions).to_parquet(tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet").skipped | {"held out or over the limit": 0} == {
        "image that cannot be decoded": 4,
        "empty caption": 2,
        "held out or over the limit": 0,
    }


def test_huge_images_are_left_out(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(images.Unreadable, match="too large"):
        images.pixels(picture(0), 32)  # 1600 pixels


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_becomes_rgb_on_white(mode):
    image = (
        Image.new("RGB", (10, 10), "white")
        if mode not in ("I;16", "F")
        else Image.fromarray(
            np.full((10, 10), 65535 if mode == "I;16" else 255, np.uint16 if mode == "I;16" else np.float32)
        )
    )
    if mode in ("LA", "RGBA"):
        image = Image.new(mode, (10, 10))  # black, seen through: white
    elif mode not in ("I;16", "F"):
        image = image.convert(mode)
    content = io.BytesIO()
    image.save(content, "TIFF")
    assert (images.pixels(content.getvalue(), 4) >= 254).all()


def test_exif_rotation_is_applied():
    image, content = Image.new("RGB", (20, 10), "white"), io.BytesIO()
    image.paste("black", (0, 0, 10, 10))  # black on the left
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(content, "PNG", exif=exif)
    found = images.pixels(content.getvalue(), 10)
    assert found[:, :4].min() == 255 and found[:, 6:].max() == 0


def test_an_image_outside_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(picture(0))
    inside = tmp_path / "data"
    inside.mkdir()
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    for way in ("../secret.png", str(tmp_path / "secret.png")):
        table(image=way).to_csv(inside / "a.csv", index=False)
        with pytest.raises(InputError, match="a.csv, line 2: the image .* lies outside"):
            load(inside / "a.csv")
    table(image="link.png").to_csv(inside / "a.csv", index=False)  # a link of the user's own is followed
    with pytest.raises(InputError, match="too few pairs"):  # one image: one group
        load(inside / "a.csv")


def test_text_that_is_not_utf8_names_the_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text_a,caption,time\nq,caf\xe9,2014-01-01\n")
    with pytest.raises(InputError, match="a.csv is not UTF-8: byte 0xe9"):
        load(tmp_path / "a.csv")


def test_a_common_text_gets_a_note(tmp_path):
    table(caption=["untitled"] * 30 + [f"passage {i}" for i in range(30, N)]).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert load(tmp_path / "a.csv").notes == (
        '"untitled" is the text of 30 of 400 pairs: recall cannot reach 1',
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv.gz", b"text_a,caption\n", "cannot be read as csv"),
        ("a.csv.gz", gzip.compress(b"", mtime=0)[:10] + b"\xff", "cannot be read as csv: Error -3"),
        ("a.parquet", b"nothing", "cannot be read as parquet"),
        ("a.npz", b"nothing", "cannot be read as npz"),
        ("a.jsonl", b"{", "cannot be read as jsonl"),
        ("a.tar", b"x", "not a whole tar"),
        ("a.txt", b"x", "nothing to read; give a table"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(tmp_path / name)
    assert not list((files.folders()[-1] / "streams").glob("*"))


def test_a_truncated_gz_and_objects_in_an_npz_are_named(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table().to_csv(index=False).encode())[:-400])
    np.savez(tmp_path / "a.npz", text=np.array(["a", None], object), captions=np.array(["b", "c"]))
    for name, message in (("a.csv.gz", "cannot be read as csv"), ("a.npz", "without pickle")):
        with pytest.raises(InputError, match=message):
            load(tmp_path / name)
    np.savez(tmp_path / "b.npz", images=np.zeros((3, 8, 8), np.uint8), captions=np.array(["b", "c"]))
    with pytest.raises(InputError, match="different length: images 3, captions 2"):
        load(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", images=np.zeros((2, 8, 8), np.float32), captions=np.array(["b", "c"]))
    with pytest.raises(InputError, match="float32: give uint8"):
        load(tmp_path / "c.npz")


# ---- tar files


def shard(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def tic_training(root: Path, years=(2014, 2015), each: int = 200) -> None:
    """TiC-DataComp's layout: train/{year}/{shard}.tar with {uid}-{copy}.jpg, .txt and .json."""
    for year in years:
        members = {}
        for i in range(each):
            uid = f"{year * 1000 + i:032x}"
            members |= {
                f"{uid}-0.webp": picture(year * 1000 + i, "WEBP"),
                f"{uid}-0.txt": f"a picture of {year} number {i}".encode(),
                f"{uid}-0.json": json.dumps({"uid": uid}).encode(),
            }
        half = len(members) // 2
        for number, part in enumerate(
            (dict(list(members.items())[:half]), dict(list(members.items())[half:]))
        ):
            shard(root / str(year) / f"{number:08}.tar", part)
        (root / str(year) / "00000000_stats.json").write_text('{"successes": 200}')


def test_tic_training_shards(tmp_path):
    tic_training(tmp_path / "train")
    pairs = load(tmp_path / "train")
    assert pairs.names == ("2014", "2015") and len(pairs.left) == 400 and pairs.shape == (32, 32, 3)
    assert load(tmp_path / "train", by="name").names == ("2014", "2015")


def test_shards_may_hold_captions_and_dates_in_json(tmp_path):
    members = {}
    for i in range(N):
        about = {"passage": f"passage number {i}", "date": day(i)}
        members |= {f"{i:05}.png": picture(i), f"{i:05}.json": json.dumps(about).encode()}
    shard(tmp_path / "all" / "00000.tar", members)
    assert load(tmp_path / "all").names == ("2014", "2015")
    with pytest.raises(InputError, match="no pair could be read .400 with empty caption"):
        load(tmp_path / "all", columns=Columns(caption="said"))


def test_tic_uid_lists_choose_and_leave_out(tmp_path):
    tic_training(tmp_path / "train")
    numbers = [year * 1000 + i for year in (2014, 2015) for i in range(180)]
    np.save(
        tmp_path / "list.npy", np.array([(0, number) for number in numbers], [("f0", "<u8"), ("f1", "<u8")])
    )
    assert load(tmp_path / "train", only=str(tmp_path / "list.npy")).skipped["uid not wanted"] == 40
    years = {2014: [f"{2014 * 1000 + i:032x}" for i in range(10)]}
    (tmp_path / "eval.pkl").write_bytes(pickle.dumps(years))
    assert load(tmp_path / "train", exclude=str(tmp_path / "eval.pkl")).skipped["uid not wanted"] == 10


def test_uid_lists_cannot_run_code(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    for content in (Harmful(), {2014: np.zeros(3)}):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
        with pytest.raises(InputError, match="only plain dicts, lists and texts"):
            tic.read_uids(tmp_path / "a.pkl")
    assert not (tmp_path / "ran").exists()
    np.save(tmp_path / "a.npy", np.array([Harmful()], object))
    with pytest.raises(InputError, match="is no list of uids"):
        tic.read_uids(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros(3))
    with pytest.raises(InputError, match="fields f0 and f1"):
        tic.read_uids(tmp_path / "b.npy")


def test_tic_evaluation_folders_give_the_test_pairs(tmp_path):
    tic_training(tmp_path / "train")
    for year in (2014, 2015):
        members = {}
        for i in range(30):
            members |= {
                f"{i}.jpg": picture(9_000_000 + year * 100 + i, "JPEG"),
                f"{i}.txt": f"held out {year} {i}\nsaid again".encode(),
            }
        shard(tmp_path / "eval" / str(year) / "0.tar", members)
        (tmp_path / "eval" / str(year) / "nshards.txt").write_text("1")
    pairs = load(tmp_path / "train", tmp_path / "eval")
    assert [len(rows) for rows in pairs.train + pairs.test] == [200, 200, 30, 30]
    with pytest.raises(InputError, match="test pairs are among the training pairs, by their uid"):
        load(tmp_path / "train", tmp_path / "train")


def test_test_pairs_among_the_training_pairs_are_counted(tmp_path):
    table().to_csv(tmp_path / "a.csv", index=False)
    table().tail(250).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(
        InputError, match="250 test pairs are among the training pairs, by their image or query"
    ):
        load(tmp_path / "a.csv", tmp_path / "b.csv")


def test_tic_tables_take_their_time_from_the_file_name(tmp_path):
    """YFCC's and RedCaps' splits: tabs in a .csv, `path` and `caption`, no date."""
    for group in (2, 10):
        for i in range(200):
            (tmp_path / f"{group}-{i}.png").write_bytes(picture(group * 1000 + i))
        frame = pd.DataFrame(
            {
                "path": [f"{group}-{i}.png" for i in range(200)],
                "caption": [f"{group} says {i}" for i in range(200)],
            }
        )
        frame.to_csv(tmp_path / f"train_batch_{group}.csv", sep="\t", index=False)
    assert load(tmp_path, by="name").names == ("train_batch_2.csv", "train_batch_10.csv")
    with pytest.raises(InputError, match='no time; name its column with time=, or cut .* with by="name"'):
        load(tmp_path)


def test_members_that_lead_elsewhere_are_not_read(tmp_path):
    members = {
        f"{i}.{kind}": content
        for i in range(100)
        for kind, content in (("png", picture(i)), ("txt", f"number {i}".encode()))
    }
    outside = {"../x.png": picture(1), "../x.txt": b"out", "/y.png": picture(2), "/y.txt": b"out"}
    shard(tmp_path / "2014" / "0.tar", members | outside)
    with tarfile.open(tmp_path / "2014" / "0.tar", "a") as archive:
        link = tarfile.TarInfo("z.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        info = tarfile.TarInfo("z.txt")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"text"))
    pairs = load(tmp_path, min_rows=10, n_test=10)
    assert len(pairs.right) == 100 and pairs.skipped["no image"] == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["0.tar"]


def test_a_key_twice_and_a_member_too_large_are_refused(tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "0.tar", "w") as archive:
        for _ in range(2):
            info = tarfile.TarInfo("a.txt")
            archive.addfile(info, io.BytesIO())
    with pytest.raises(InputError, match="a.txt is there twice"):
        load(tmp_path / "0.tar")
    monkeypatch.setattr("clbench.data.pairs.shards.LARGEST", 10)
    shard(tmp_path / "1.tar", {"a.png": picture(0)})
    with pytest.raises(InputError, match=r"a.png has \d+ bytes, more than 10"):
        load(tmp_path / "1.tar")


def test_a_tar_file_that_was_cut_anywhere_is_named(tmp_path):
    tic_training(tmp_path / "train", each=4)
    shards_there = sorted((tmp_path / "train").rglob("*.tar"))
    whole = shards_there[0].read_bytes()
    with tarfile.open(shards_there[0]) as archive:
        ends = [member.offset for member in archive][1:]  # between two members it looks like a whole one
    for cut in [*ends, *range(1, len(whole) - 10 * 1024, 777)]:
        shards_there[0].write_bytes(whole[:cut])
        with pytest.raises(InputError, match=f"{shards_there[0].name} is not a whole tar file"):
            list(shards.read(shards_there[0], tmp_path, Columns()))


def test_captions_of_a_shard_come_from_all_lines_and_else_from_the_json(tmp_path):
    about = {"caption": ["from json", "said again"]}
    members = {}
    for key, text, metadata in (
        ("a", b"\xef\xbb\xbf\nphoto\nof a drum\n", json.dumps(about).encode()),
        ("b", b"", json.dumps(about).encode()),
        ("c", b"a lamp", b'{"uid": "00'),
        ("d", b"a bell", b"[1]"),
    ):
        members |= {f"{key}.png": picture(0), f"{key}.txt": text, f"{key}.json": metadata}
    shard(tmp_path / "a.tar", members)
    rows = list(shards.read(tmp_path / "a.tar", tmp_path, Columns()))
    assert [row.right for row in rows] == ["photo of a drum", "from json", "said again", "a lamp", "a bell"]
    assert [bool(row.problem) for row in rows] == [False, False, False, True, True]  # counted as left out


def test_a_number_within_a_set_is_no_uid(tmp_path):
    """img2dataset numbers the members of every set from 0."""
    shard(tmp_path / "a.tar", {f"{key}.txt": b"text" for key in ("000000000", f"{7:032x}-1")})
    assert [row.uid for row in shards.read(tmp_path / "a.tar", tmp_path, Columns())] == [None, f"{7:032x}"]


def test_tables_beside_shards_of_the_same_name_are_their_metadata(tmp_path):
    tic_training(tmp_path)
    alone = load(tmp_path)
    for path in tmp_path.rglob("*.tar"):
        pd.DataFrame({"url": ["http://example.invalid"]}).to_parquet(path.with_suffix(".parquet"))
    beside = load(tmp_path)
    assert beside.fingerprint == alone.fingerprint and len(beside.right) == N
    for path in tmp_path.rglob("*.tar"):
        path.write_bytes(path.read_bytes() + bytes(512))  # else the same contents: taken from the cache
    assert "metadata and are not read: 00000000.parquet and 3 more" in load(tmp_path).notes[0]


# ---- what tables hold


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_years_and_days_are_read_as_what_they_say(tmp_path, kind):
    def slices_of(times, **options):
        frame = table(when=times).drop(columns="time")
        frame.to_csv(tmp_path / "a.csv", index=False) if kind == "csv" else frame.to_parquet(
            tmp_path / "a.parquet"
        )
        return load(tmp_path / f"a.{kind}", columns=Columns(time="when"), **options)

    pairs = slices_of([1969 + i // (N // 2) for i in range(N)])
    assert pairs.names == ("1969", "1970") and set(pairs.skipped) <= {"held out or over the limit"}
    assert slices_of([1970.0] * 200 + [1971.0] * 200).names == ("1970", "1971")
    assert slices_of([20140228] * 200 + [20140301] * 200, by="month").names == ("2014-02", "2014-03")
    early = slices_of(["1969-12-31"] * 200 + ["1970-01-01"] * 200)  # an ordinary day beside another
    assert early.names == ("1969", "1970")
    for wrong in (20141301, 196, 196601):
        with pytest.raises(InputError, match="400 of 400 rows have a time that is no date"):
            slices_of([wrong] * N)
    with pytest.raises(InputError, match='read without a unit: unit="iso"'):
        slices_of([1966] * N, unit="s")


def test_quotes_in_a_tsv_are_characters_unless_a_field_is_quoted_throughout(tmp_path):
    lines = [
        "text\tcaption\tdate",
        'a\t"one\t2014-01-01',
        'b\t27" wide\t2014-01-02',
        'c\t"a ""b"""\t2014-01-03',
        "",
    ]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    rows = list(tables.read(tmp_path / "a.tsv", tmp_path, Columns()))
    assert [row.right for row in rows] == ['"one', '27" wide', 'a "b"']
    assert [row.place for row in rows] == ["a.tsv, line 2", "a.tsv, line 3", "a.tsv, line 4"]
    (tmp_path / "a.tsv").write_text('text\tcaption\tdate\na\tb\t2014\na\t"broken\noff"\t2014\n')
    with pytest.raises(InputError, match="a.tsv, line 3: 2 fields .* quote that is not closed"):
        list(tables.read(tmp_path / "a.tsv", tmp_path, Columns()))


def test_a_quote_in_a_csv_that_would_swallow_lines_is_an_error_with_its_number(tmp_path):
    text = 'text,caption,date\na,"24"" monitor, or\ntwo lines",2014-01-01\nb,27" monitor,2014-01-02\n'
    (tmp_path / "a.csv").write_text(text)
    rows = list(tables.read(tmp_path / "a.csv", tmp_path, Columns()))
    assert [row.right for row in rows] == ['24" monitor, or\ntwo lines', '27" monitor']
    assert [row.place for row in rows] == ["a.csv, line 2", "a.csv, line 4"]
    for stray in ('c,"one,2014-01-03\nd,two,2014-01-04\ne,"three,2014-01-05\n', 'c,"one,2014-01-03\n'):
        (tmp_path / "a.csv").write_text(text + stray)
        with pytest.raises(InputError, match="a.csv, line 5: a field begins with a quote"):
            list(tables.read(tmp_path / "a.csv", tmp_path, Columns()))
    (tmp_path / "a.csv").write_text(text + "c,one,2014,more\n")
    with pytest.raises(InputError, match="a.csv, line 5: 4 fields where the first line has 3"):
        list(tables.read(tmp_path / "a.csv", tmp_path, Columns()))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_lists_and_dictionaries_of_captions_are_several_captions(tmp_path, kind):
    cells = (
        [["one", "two"], ["three", ""]]
        if kind == "jsonl"
        else [{"en": "one", "de": "two"}, {"en": "three", "de": None}]
    )
    frame = pd.DataFrame({"text": ["a", "b"], "caption": cells})
    path = tmp_path / f"a.{kind}"
    frame.to_json(path, orient="records", lines=True) if kind == "jsonl" else frame.to_parquet(path)
    rows = list(tables.read(path, tmp_path, Columns()))
    assert [(row.left, row.right) for row in rows] == [("a", "one"), ("a", "two"), ("b", "three")]


def test_captions_of_another_type_are_named(tmp_path):
    pd.DataFrame({"text": ["a"], "caption": [3]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="a.parquet, row 1: a text is due where int '3' stands"):
        list(tables.read(tmp_path / "a.parquet", tmp_path, Columns()))


def test_folders_name_slices_and_partitions_are_columns(tmp_path):
    for name in ("year=2014", "year=2015"):
        for half in (0, 1):
            texts = [f"{name} {half} number {i}" for i in range(N // 4)]
            part = pd.DataFrame({"query": texts, "caption": texts})
            (tmp_path / "set" / name / f"part={half}").mkdir(parents=True)
            part.to_csv(tmp_path / "set" / name / f"part={half}" / "a.csv", index=False)
    dated = table()[["text_a", "caption"]]
    for year in (2014, 2015):
        (tmp_path / "plain" / str(year)).mkdir(parents=True)
        half = dated[: N // 2] if year == 2014 else dated[N // 2 :]
        half.to_csv(tmp_path / "plain" / str(year) / "a.csv", index=False)
    assert load(tmp_path / "set").names == ("2014", "2015")
    assert load(tmp_path / "set", by="name").names == ("year=2014", "year=2015")
    given = tables.read(
        tmp_path / "set" / "year=2014" / "part=1" / "a.csv", tmp_path / "set", Columns(caption="part")
    )
    assert {(row.right, row.when) for row in given} == {("1", "2014")}
    assert load(tmp_path / "plain").names == load(tmp_path / "plain", by="name").names == ("2014", "2015")
    one = load(tmp_path / "plain" / "2014" / "a.csv", by="name")
    assert one.notes == ("there is one slice, so nothing changes with time: cut it otherwise with by=",)


def test_links_of_the_users_own_are_followed(tmp_path):
    for folder in ("storage", "data"):
        (tmp_path / folder).mkdir()
    for i in range(N):
        (tmp_path / "storage" / f"{i}.png").write_bytes(picture(i))
    (tmp_path / "data" / "images").symlink_to(tmp_path / "storage")
    (tmp_path / "table.csv").symlink_to(tmp_path / "data" / "a.csv")
    table(image=[f"images/{i}.png" for i in range(N)]).to_csv(tmp_path / "data" / "a.csv", index=False)
    assert len(load(tmp_path / "data" / "a.csv").right) == N
    with pytest.raises(InputError, match="no pair could be read .400 with an image file that is not there"):
        load(tmp_path / "table.csv")  # beside this link there are no images


# ---- texts and pictures


def test_tokens_of_scripts_without_spaces_marks_and_emoji():
    assert words.split("A cat, a CAT_1!") == ["a", "cat", "a", "cat_1"]
    assert words.split("河流 abc石头") == ["河", "流", "abc", "石", "头"]
    assert words.split("नदी पत्थर") == ["नदी", "पत्थर"]  # with their marks
    assert words.split("ที่นี่") == ["ที่", "นี่"]
    assert words.split("🌊🌲 ❄\ufe0f❄") == ["🌊", "🌲", "❄", "❄"]
    assert words.split("caf\u00e9 5°") == words.split("cafe\u0301 5 ©") == ["caf\u00e9", "5"]
    assert words.split("… —") == []


def test_texts_without_a_token_are_left_out_and_counted(tmp_path):
    captions = ["…", "?!"] + [f"passage {i}" for i in range(2, N)]
    table(caption=captions).to_csv(tmp_path / "a.csv", index=False)
    pairs = load(tmp_path / "a.csv")
    assert pairs.skipped["text without a word"] == 2
    counted = "tokens of a text, median: 2 left (at the limit of 24: 0%), 2 right (at the limit of 24: 0%)"
    assert counted in inspect.describe(pairs)


def encoded(array: np.ndarray, kind: str) -> bytes:
    content = io.BytesIO()
    Image.fromarray(array).save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize("top", [1, 255, 65535, 1e6])
def test_real_pixels_are_scaled_by_their_range(top):
    ramp = np.tile(np.linspace(0, top, 32, dtype=np.float32), (32, 1))
    found = images.pixels(encoded(ramp, "TIFF"), 32)[16, :, 0]
    assert np.abs(found - np.linspace(0, 255, 32)).max() <= 1
    below = images.pixels(encoded(ramp - top / 2, "TIFF"), 32)[16, :, 0]
    assert np.abs(below - np.linspace(0, 255, 32)).max() <= 1
    with pytest.raises(images.Unreadable, match="not finite"):
        images.pixels(encoded(ramp * np.float32(np.nan), "TIFF"), 32)


@pytest.mark.parametrize(("top", "noted"), [(4095, True), (65535, False)])
def test_a_narrow_range_of_16_bits_is_noted(tmp_path, top, noted):
    ramps = [
        encoded(np.roll(np.linspace(0, top, 64), i).reshape(8, 8).astype(np.uint16), "PNG") for i in range(64)
    ]
    table(image=[ramps[i % 64] for i in range(N)]).to_parquet(tmp_path / "a.parquet")
    notes = " ".join(load(tmp_path / "a.parquet", n_test=4).notes)
    assert ("brightest pixel of all images of 16 bits is 4095 of 65535" in notes) == noted


# ---- test pairs


@pytest.mark.parametrize("captions", [1, 2, 5])
def test_images_are_held_out_alike_however_many_captions_they_have(captions):
    count = 3000
    left = slices.digests(f"image {i}".encode() for i in range(count) for _ in range(captions))
    right = slices.digests(f"caption {i} {k}".encode() for i in range(count) for k in range(captions))
    place, limits = np.zeros(len(left), int), slices.Limits(n_test=1)
    train = slices.hold_out(place, ["all"], np.stack([left, right], 1), limits).train[0]
    held = 1 - len(train) / len(left)
    assert abs(held - 1 / 6) < 0.03
    assert len(np.unique(left[train])) * captions == len(
        train
    )  # an image is on one side with all its captions


# ---- the cache


def test_contents_and_options_decide_what_is_read_again(tmp_path):
    table().to_csv(tmp_path / "a.csv", index=False)
    first = load(tmp_path / "a.csv")
    (tmp_path / "moved").mkdir()
    (tmp_path / "a.csv").rename(tmp_path / "moved" / "a.csv")
    assert load(tmp_path / "moved" / "a.csv").fingerprint == first.fingerprint
    assert load(tmp_path / "moved" / "a.csv", length=10).fingerprint != first.fingerprint
    table(time=["2014-03-03"] * 200 + ["2015-03-03"] * 200).to_csv(tmp_path / "moved" / "a.csv", index=False)
    assert load(tmp_path / "moved" / "a.csv").fingerprint != first.fingerprint


def test_images_that_come_later_or_change_are_other_data(tmp_path):
    for i in range(N):
        (tmp_path / f"{i}.png").write_bytes(picture(i))
    table(image=[f"{i}.png" for i in range(N)]).to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "7.png").rename(tmp_path / "away")
    missing = load(tmp_path / "a.csv")
    assert missing.skipped["an image file that is not there"] == 1 and len(missing.right) == N - 1
    (tmp_path / "away").rename(tmp_path / "7.png")
    complete = load(tmp_path / "a.csv")
    assert len(complete.right) == N and complete.fingerprint != missing.fingerprint
    before = os.stat(tmp_path / "7.png")
    content = bytearray((tmp_path / "7.png").read_bytes())
    (tmp_path / "7.png").write_bytes(content + b"x")
    assert load(tmp_path / "a.csv").fingerprint not in (complete.fingerprint, missing.fingerprint)
    (tmp_path / "7.png").write_bytes(content[:-1] + b"x")  # as long and as old as the first
    os.utime(tmp_path / "7.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(tmp_path / "a.csv").fingerprint != complete.fingerprint
    (tmp_path / "7.png").write_bytes(content)
    assert load(tmp_path / "a.csv").fingerprint == complete.fingerprint


def test_contents_are_hashed_once_for_each_size_and_time(tmp_path, monkeypatch):
    tic_training(tmp_path / "train")
    read, real = [], sums.sha256_of

    def counted(path):
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(sums, "sha256_of", counted)
    first = load(tmp_path / "train")
    assert len(read) == 4 and load(tmp_path / "train").fingerprint == first.fingerprint and len(read) == 4
    changed = next((tmp_path / "train").rglob("*.tar"))
    changed.write_bytes(changed.read_bytes() + bytes(512))
    assert load(tmp_path / "train").fingerprint != first.fingerprint and read[4:] == [changed.name]


@pytest.mark.parametrize("cache", ["/proc/1", "file"])
def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, cache, here):
    (tmp_path / "file").write_text("no folder")
    table().to_csv(tmp_path / "a.csv", index=False)
    place = tmp_path / cache  # an absolute one stands for itself
    done = here("data", "inspect", tmp_path / "a.csv", env={"XDG_CACHE_HOME": str(place)})
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be written" in done.stderr and "XDG_CACHE_HOME" in done.stderr


def test_words_do_not_depend_on_the_process():
    assert words.hash_words(["A cat, a cat!"], 2048, 5).tolist() == [[223, 491, 223, 491, 0]]


# ---- clbench data inspect


def test_inspect_says_what_is_there_and_draws_it(tmp_path, here):
    tic_training(tmp_path / "train", each=700)
    done = here("data", "inspect", tmp_path / "train", "--picture", tmp_path / "samples.png")
    assert done.returncode == 0, done.stderr
    first, *lines = done.stdout.splitlines()
    assert first.startswith("1400 pairs, images 32x32 with texts, in 2 slices; ")
    assert [line.split()[0] for line in lines] == [
        "2014",
        "2015",
        "left",
        "tokens",
        "date",
        "clbench",
        str(tmp_path / "samples.png"),
    ]
    assert (
        lines[5] == f"""clbench run -b "stream(path='{tmp_path / "train"}')" -s naive -s er -s cumulative"""
    )
    assert Image.open(tmp_path / "samples.png").size == (180 + 16 * 34, 2 * 34)


def test_the_date_probe_finds_a_date_in_the_pictures_and_none_in_the_texts(tmp_path):
    draws, n = np.random.default_rng(0), N
    late = np.arange(n) >= n // 2
    images = draws.integers(0, 100, (n, 8, 8, 3), np.uint8) + 100 * late[:, None, None, None].astype(np.uint8)
    np.savez(
        tmp_path / "a.npz",
        images=images,
        captions=np.array([f"text {draws.integers(10**6)}" for _ in range(n)]),
        times=np.array([day(i) for i in range(n)]),
    )
    left, right = inspect.date_probe(load(tmp_path / "a.npz"))
    assert left == 1 and 0.3 < right < 0.7


def test_inspect_of_bad_input_is_one_line_and_exit_code_2(tmp_path, here):
    for arguments in ([tmp_path / "absent.csv"], [tmp_path, "--unit", "days"], ["split_digits_class"]):
        done = here("data", "inspect", *arguments)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done.stderr


# ---- results of TiC-CLIP's own evaluation


def lines_of(scores: dict) -> str:
    made = [
        {
            "key": f"tic/datacomp/retrieval/yearly/{year}",
            "dataset": f"TiC-DataComp-Retrieval-Yearly-{year}",
            "metrics": {"image_retrieval_recall@1": score, "mean_recall@1": score, "main_metric": score},
        }
        for year, score in scores.items()
    ]
    made.append({"key": "imagenet1k", "dataset": "ImageNet 1k", "metrics": {"acc1": 0.5, "main_metric": 0.5}})
    return "".join(json.dumps(one) + "\n" for one in made)


def test_import_of_tic_results(tmp_path, here):
    steps = [
        {2014: 0.5, 2015: 0.2, 2016: 0.1},
        {2014: 0.4, 2015: 0.6, 2016: 0.3},
        {2014: 0.3, 2015: 0.5, 2016: 0.7},
    ]
    folders = [tmp_path / str(number) for number in range(3)]
    for folder, scores in zip(folders, steps, strict=True):
        folder.mkdir()
        (folder / "eval_results.jsonl").write_text(
            lines_of({2014: 0.9}) + lines_of(scores)
        )  # appended to: the last counts
    done = here("import", "tic", *folders, "--name", "sequential", "--out", tmp_path / "out")
    assert (
        done.returncode == 0 and "stream_id 0.600  stream_backward 0.400  stream_forward 0.200" in done.stdout
    ), done.stderr
    shown = here("show", "--results", tmp_path / "out", "--csv")
    assert shown.returncode == 0 and "tic/datacomp/retrieval/yearly,sequential" in shown.stdout, (
        shown.stdout + shown.stderr
    )
    told = here("report", "--results", tmp_path / "out", "--out", tmp_path / "pages")
    assert told.returncode == 0 and "40.0" in (tmp_path / "pages" / "imported.md").read_text(), told.stderr
    of_two = here("import", "tic", *folders[:2], "--out", tmp_path / "two")  # 2014 and 2015 are the first's
    assert "stream_id 0.333  stream_backward 0.500  stream_forward 0.100" in of_two.stdout
    of_one = here("import", "tic", *folders[:2], "--first", 1, "--out", tmp_path / "one")
    assert "stream_id 0.550  stream_backward 0.400  stream_forward 0.200" in of_one.stdout
    (folders[1] / "eval_results.jsonl").write_text(lines_of({2014: 0.4, 2015: None}))
    slices_found, matrix = tic.read_results(folders)["tic/datacomp/retrieval/yearly"]
    assert slices_found == ["2014", "2015", "2016"] and np.isnan(matrix[1, 1:]).all() and matrix[0, 0] == 0.5
    (folders[2] / "eval_results.jsonl").write_text("{\n")
    with pytest.raises(InputError, match="eval_results.jsonl, line 1: not a result"):
        tic.read_results(folders)


def test_the_index_of_a_frame_is_a_column_if_it_has_a_name(tmp_path):
    table().set_index("time").to_parquet(tmp_path / "a.parquet")
    table().sample(frac=1, random_state=0).to_parquet(tmp_path / "b.parquet")
    for name in ("a.parquet", "b.parquet"):
        frame = next(tables.chunks(tmp_path / name, tmp_path)).frame
        assert sorted(frame) == ["caption", "text_a", "time"]
        load(tmp_path / name)


def test_half_a_character_becomes_a_mark(tmp_path):
    """As where a text was cut within an emoji."""
    lines = table().to_json(orient="records", lines=True).replace('"query 0"', r'"query \ud83d"')
    (tmp_path / "a.jsonl").write_text(lines)
    assert next(tables.read(tmp_path / "a.jsonl", tmp_path, Columns())).left == "query \ufffd"
    load(tmp_path / "a.jsonl")


def test_files_stand_in_the_order_of_their_numbers_however_long():
    names = ["batch_2", "batch_10", f"batch_{'9' * 5000}", f"batch_1{'0' * 5000}"]
    assert sorted(reversed(names), key=lambda name: natural_order(Path(name))) == names
    assert natural_order(Path("1")) == natural_order(Path("01"))


def test_folders_behind_links_are_read_and_hidden_ones_are_not(tmp_path):
    data, other = tmp_path / "data", tmp_path / "other"
    for folder in (other, data / ".ipynb_checkpoints"):
        folder.mkdir(parents=True)
        table().to_csv(folder / "a.csv", index=False)
    (data / "linked").symlink_to(other)
    (other / "back").symlink_to(data)  # in a circle
    assert [file.relative_to(data).as_posix() for file in Source.at(data).files] == ["linked/a.csv"]
    before = state_of(data)
    assert state_of(data) == before
    os.utime(other / "a.csv", (0, 0))
    assert state_of(data) != before
