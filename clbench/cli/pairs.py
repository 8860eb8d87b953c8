"""The commands for data of one's own: `clbench data inspect`, `clbench import tic`."""

from pathlib import Path
from typing import Annotated

import typer

from clbench import registry
from clbench.core.paths import check_writable, kind_of
from clbench.core.text import for_a_shell
from clbench.errors import InputError
from clbench.results import files as writing
from clbench.results import folders
from clbench.spec import written

data_app = typer.Typer(
    no_args_is_help=True,
    help="Your own data: labelled images, texts and tables; dated pairs (images with captions, queries with "
    "passages).",
)
import_app = typer.Typer(no_args_is_help=True, help="Results that other code has made.")


@data_app.command(
    epilog="""Examples:

  clbench data inspect icons --picture samples.png

  clbench data example my_table.csv           writes a table like your own

  clbench data inspect my_table.csv --text title --caption description

  clbench data inspect photos --by month      images in folders of their classes"""
)
def inspect(
    what: Annotated[
        str,
        typer.Argument(
            help="A table (csv, tsv, jsonl, parquet, npz; .gz too), a folder of tables, of "
            ".tar shards or of images by class, torchvision:NAME, or a benchmark."
        ),
    ],
    test: Annotated[
        Path | None, typer.Option(help="The same for what is tested; else some is held out.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="Column or array of images: paths, bytes or pixels.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of texts in place of images.")] = None,
    caption: Annotated[str | None, typer.Option(help="Column of captions or passages: pairs.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of classes: labelled data.")] = None,
    time: Annotated[str | None, typer.Option(help="Column of dates.")] = None,
    split: Annotated[str | None, typer.Option(help="Column that says train or test: labelled data.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose values are held out whole, as patients are.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Column that is no feature; repeatable.")] = None,
    unit: Annotated[str, typer.Option(help="iso, or s or ms for unix time.")] = "iso",
    by: Annotated[
        str | None,
        typer.Option(
            help="year, quarter, month, season, quantile, name (of files or folders), edges like "
            "2014-01-01,2016-01-01; of labelled data also class, or a column."
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="Slices, by quantile.", min=1)] = None,
    min_rows: Annotated[
        int | None, typer.Option(help="Neighbouring slices are joined until each has so many.", min=1)
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw samples of every slice into this file.")] = None,
) -> None:
    """Reads your own data and says what it found: classes, slices, counts, what was left out and why, what
    looks like a leak. Prints the benchmark to run."""
    from clbench.data.sheet import check_picture

    if picture:
        check_picture(picture)
    given = {
        "path": what,
        "test": test and str(test),
        "image": image,
        "text": text,
        "caption": caption,
        "label": label,
        "time": time,
        "split": split,
        "group": group,
        "without": without,
        "unit": unit,
        "by": by,
        "count": count,
        "min_rows": min_rows,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if kind_of(what) or not registry.is_benchmark(what):
        from clbench.cli.labelled import inspect_path, is_labelled

        if is_labelled(what, label, caption):
            inspect_path(given, picture)
            return
        for name in ("label", "split", "group", "without"):
            if name in given:
                raise InputError(f"--{name} is for labelled data: name the column of classes with --label")
        given = {"by": "year", "min_rows": 500, **given}
        what = written("stream", _of_pairs(given))
    elif others := [name for name in given if name != "path" and (name, given[name]) != ("unit", "iso")]:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise InputError(f"{what} is a benchmark, which says how its data are read: without {options}")
    name, benchmark, _ = registry.benchmark(what, "quick")
    if benchmark.scenario != "pairs":
        from clbench.cli.labelled import inspect_benchmark

        inspect_benchmark(name, benchmark, picture)
        return
    from clbench.data.pairs import inspect as inspecting

    pairs = benchmark.contents()
    if picture and not pairs.shape:
        raise InputError(f"--picture draws images, and {name} has none: leave it out")
    print(
        "\n".join(
            [*inspecting.describe(pairs), f"clbench run -b {for_a_shell(name)} -s naive -s er -s cumulative"]
        )
    )
    if picture:
        from clbench.data.sheet import draw_sheet

        draw_sheet(picture, pairs.left, pairs.shape, list(zip(pairs.names, pairs.train, strict=True)))
        print(picture)


def _of_pairs(given: dict) -> dict:
    """The arguments that `stream` has, in its order."""
    order = ("path", "test", "image", "text", "caption", "time", "unit", "by", "count", "min_rows")
    return {name: given[name] for name in order if name in given}


@data_app.command(
    epilog="""Examples:

  clbench data example my_table.csv      8,981 pairs of texts, with dates

  clbench data example photos            600 photos in folders by month and class"""
)
def example(
    path: Annotated[Path, typer.Argument(help="The file or folder to write, which is not there yet.")],
) -> None:
    """Writes a table of dated pairs, or a folder of photos, to try `clbench data inspect` on before your
    own."""
    from clbench.data.labelled.example import write_photos
    from clbench.data.pairs.example import COLUMNS, example_table

    if path.suffix not in (".csv", ""):
        raise InputError(
            f"{path}: let its name end in .csv for a table, and have no ending for a folder of photos"
        )
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} is there already; take another name")
    check_writable(path.parent)
    if not path.suffix:
        write_photos(path)
        print(path)
        return
    writing.write_atomically(path, example_table())
    print(path)
    print(f"its columns: {', '.join(COLUMNS)}")


@import_app.command(
    "tic", epilog="Example:\n\n  clbench import tic runs/2014 runs/2015 runs/2016 --name sequential"
)
def import_tic(
    folders: Annotated[
        list[Path], typer.Argument(help="One per step, in order; each holds eval_results.jsonl.")
    ],
    name: Annotated[str, typer.Option(help="What to call the method.")] = "imported",
    first: Annotated[
        int | None,
        typer.Option(
            help="Slices of the first step, like TiC-DataComp's three years; "
            "then one each. Default: what is over.",
            min=1,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = folders.RESULTS,
) -> None:
    """Takes over what TiC-CLIP's evaluation wrote, as records of the profile `imported`."""
    from clbench.data.pairs import tic
    from clbench.metrics.accuracy import per_seed
    from clbench.results.lock import hold
    from clbench.results.records import record_of_matrix, write

    check_writable(out)
    found = tic.read_results(folders)
    for stream, (slices, matrix) in found.items():
        of_first = first or max(1, len(slices) - len(matrix) + 1)
        step_of = [max(1, j - of_first + 2) for j in range(len(slices))]
        record = record_of_matrix(stream, name, slices, step_of, matrix)
        with hold(out):
            print(write(record, out))
        values = per_seed(record.array, step_of)
        means = {metric: values[metric][0] for metric in ("stream_id", "stream_backward", "stream_forward")}
        print("  " + "  ".join(f"{metric} {value:.3f}" for metric, value in means.items()))
