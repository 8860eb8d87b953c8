"""Reading dated pairs: how many small images a second, and that memory does not grow with the number of
shards."""

import io
import tarfile

import numpy as np
import pandas as pd
from PIL import Image
from speed.ratios import keep, seconds

from clbench.data.pairs import store
from clbench.data.pairs.store import Options

N = 4000


def picture(i: int) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)).save(content, "PNG")
    return content.getvalue()


def test_small_pairs_a_second(benchmark, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pd.DataFrame(
        {
            "image": [picture(i) for i in range(N)],
            "caption": [f"picture {i}" for i in range(N)],
            "time": [f"{2014 + i // 1000}-01-01" for i in range(N)],
        }
    ).to_parquet(tmp_path / "a.parquet")
    keep(
        benchmark,
        "pairs of 32x32 images read a second",
        N / seconds(store.load, tmp_path / "a.parquet", Options()),
        least=2000,
        unit="/s",
    )


def test_memory_does_not_grow_with_the_shards(benchmark, tmp_path, monkeypatch):
    """Ten times as many shards, read to the end: about as much memory at the most."""
    import tracemalloc

    from clbench.data.pairs import shards
    from clbench.data.pairs.rows import Columns

    def peak(count: int) -> int:
        for number in range(count):
            path = tmp_path / f"{count}" / "2014" / f"{number:05}.tar"
            path.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(path, "w") as archive:
                for i in range(100):
                    for name, content in ((f"{i}.png", pictures[i]), (f"{i}.txt", f"{number} {i}".encode())):
                        info = tarfile.TarInfo(name)
                        info.size = len(content)
                        archive.addfile(info, io.BytesIO(content))
        tracemalloc.start()
        for path in sorted((tmp_path / f"{count}").rglob("*.tar")):
            for _ in shards.read(path, tmp_path / f"{count}", Columns()):
                pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    pictures = [picture(i) for i in range(100)]
    keep(benchmark, "peak memory of reading 20 shards, against 2", peak(20) / peak(2), most=1.2)
