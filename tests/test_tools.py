"""The GPU report, as far as it can be tested without a GPU, and the speed table."""

import runpy
import tarfile
from pathlib import Path

import pytest
import torch

from clbench.execution.processor import describe_processor

ROOT = Path(__file__).parent.parent
TOOL = runpy.run_path(str(ROOT / "tools" / "gpu_report.py"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a CUDA device")
def test_without_a_gpu_one_line_says_so(capsys):
    assert TOOL["main"]([]) == 2
    assert capsys.readouterr().err == "gpu-report: torch sees no CUDA device here\n"


def test_a_wrong_limit_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        TOOL["main"](["--limit", "soon"])
    assert ended.value.code == 2 and '"soon": write 90s, 9m or 2h' in capsys.readouterr().err


def test_the_archive_unpacks_into_another_checkout(tmp_path):
    made = tmp_path / "made" / "results" / "full" / "split_mnist_class"
    made.mkdir(parents=True)
    (made / "er.json").write_text("{}")
    (tmp_path / "made" / "docs").mkdir()
    (tmp_path / "made" / "docs" / "speed.json").write_text("{}")
    assert TOOL["pack"](tmp_path / "made", TOOL["PACKED"], tmp_path / "report.tar.gz") == 2
    with tarfile.open(tmp_path / "report.tar.gz") as archive:
        archive.extractall(tmp_path / "other", filter="data")
    assert (tmp_path / "other" / "results" / "full" / "split_mnist_class" / "er.json").read_text() == "{}"
    assert (tmp_path / "other" / "docs" / "speed.json").exists()


def test_a_gpu_and_a_processor_have_a_column_each():
    table = runpy.run_path(str(ROOT / "tools" / "speed_table.py"))
    row = {"found": "3 ×", "target": "≥ 2 ×", "holds": True}
    measured = {
        "benchmarks": [
            {"extra_info": {"what": "a run", **row}},
            {"extra_info": {"what": "a step", "machine": "A card", **row, "holds": False}},
        ]
    }
    machines = table["rows_by_machine"](measured)
    page = table["page"](machines)
    assert f"| what | target | {describe_processor()} | A card |" in page
    assert "| a run | ≥ 2 × | 3 × | – |" in page and "| a step | ≥ 2 × | – | **3 ×** |" in page
