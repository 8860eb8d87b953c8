"""What of the GPU report can be tested without a GPU."""
import runpy
import tarfile
from pathlib import Path

import pytest
import torch

TOOL = runpy.run_path(str(Path(__file__).parent.parent / "tools" / "gpu_report.py"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a CUDA device")
def test_without_a_gpu_one_line_says_so(capsys):
    assert TOOL["main"]([]) == 2
    assert capsys.readouterr().err == "gpu-report: torch sees no CUDA device here\n"


def test_a_wrong_limit_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        TOOL["main"](["--limit", "soon"])
    assert ended.value.code == 2 and '"soon": write 90s, 9m or 2h' in capsys.readouterr().err


def test_the_archive_unpacks_into_results_full(tmp_path):
    made = tmp_path / "made" / "split_mnist_class"
    made.mkdir(parents=True)
    (made / "er.json").write_text("{}")
    assert TOOL["pack"](tmp_path / "made", tmp_path / "report.tar.gz") == 1
    with tarfile.open(tmp_path / "report.tar.gz") as archive:
        archive.extractall(tmp_path / "other", filter="data")
    assert (tmp_path / "other" / "results" / "full" / "split_mnist_class" / "er.json").read_text() == "{}"
