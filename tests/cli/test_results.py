"""`clbench results remove`: rows go, with all that belongs to them, after asking."""

import sys

import pytest

from clbench.results import records, verification
from clbench.results.verification import Note

PLACE = "smoke", "toy_class"


@pytest.fixture
def stored(fabricated, tmp_path):
    """my_results/ with the records of four strategies, a file beside one, and notes of two."""
    folder = tmp_path / "my_results"
    made = {
        name: fabricated.make(name, fabricated.two_tasks((0.6, 0.9))) for name in ("er", "ewc", "gem", "mir")
    }
    made["er"].files = {"er.weights": "0" * 64, "../../../kept": "0" * 64}
    for record in made.values():
        records.write(record, folder)
    (folder / "smoke" / "toy_class" / "er.weights").write_text("weights")
    (tmp_path / "kept").write_text("not of a record")
    note = Note("r", "s", "a", "c", False, "2026-01-02", "p")
    verification.write(folder, "smoke", {"toy_class": {"er": note, "ewc": note}})
    return folder


def names(folder):
    return sorted(path.name for path in (folder / "smoke" / "toy_class").iterdir())


def test_rows_go_with_their_files_and_notes(stored, here, tmp_path):
    done = here("results", "remove", "-s", "er", "-s", "m*", "--yes")
    assert done.returncode == 0, done.stderr
    assert "smoke  toy_class  er  ok, 1 seeds, 1 files beside it\n" in done.stdout
    assert "removed 2 records" in done.stdout
    assert names(stored) == ["ewc.json", "gem.json"] and (tmp_path / "kept").exists()
    assert list(verification.read(stored, "smoke")["toy_class"]) == ["ewc"]


def test_without_a_terminal_nothing_goes_unless_asked_for(stored, here, monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    before = names(stored)
    refused = here("results", "remove", "-s", "er")
    assert refused.returncode == 2 and "say --yes" in refused.stderr and names(stored) == before
    assert "toy_class  er  ok" in refused.stdout
    everything = here("results", "remove", "--yes")
    assert everything.returncode == 2 and "say which records" in everything.stderr and names(stored) == before


@pytest.mark.parametrize(("answer", "left"), [(True, 3), (False, 4)])
def test_at_a_terminal_it_asks(answer, left, stored, here, monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("typer.confirm", lambda question: asked.append(question) or answer)
    assert here("results", "remove", "-s", "gem").returncode == 0
    assert asked == ["remove 1 record from my_results/?"]
    assert len([name for name in names(stored) if name.endswith(".json")]) == left


def test_the_last_row_takes_its_folder_with_it(stored, here):
    (stored / "smoke" / "toy_class" / "er.weights").unlink()
    assert here("results", "remove", "--profile", "smoke", "--yes").returncode == 0
    assert not (stored / "smoke" / "toy_class").exists()
    assert here("results", "remove", "--profile", "smoke", "--yes").returncode == 2


def test_broken_notes_stop_it_before_anything_is_removed(stored, here):
    (stored / "smoke" / "verification.json").write_text("{")
    before = names(stored)
    assert here("results", "remove", "-s", "gem", "--yes").returncode == 2 and names(stored) == before
