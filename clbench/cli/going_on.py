"""`clbench run --from MODEL`: the tasks that came after a saved model was trained."""

import time
from pathlib import Path

from clbench.cli.app import import_execution
from clbench.core.paths import check_writable
from clbench.core.text import printable
from clbench.errors import InputError


def go_on(model: Path, benchmark: list[str] | None, models: Path | None, device: str, as_json: bool) -> int:
    """Trains the tasks that follow and writes a model after each; the exit code.

    benchmark: where the data have another name by now. models: the folder; None: where the model lies.
    """
    import_execution()

    from clbench.artefacts.load import benchmark_of, check_same_past, run_of
    from clbench.artefacts.models import ModelFile, Saving
    from clbench.cli.model_tables import print_slices
    from clbench.engine.precision import arithmetic
    from clbench.execution.devices import choose_device
    from clbench.execution.processor import one_thread

    if len(benchmark or []) > 1:
        raise InputError("a model goes on with one benchmark")
    file = ModelFile(model)
    name, chosen = benchmark_of(file, benchmark[0] if benchmark else None)
    device = choose_device(device)
    run = run_of(file, chosen, device)
    check_same_past(file, run.stream)
    learnt, tasks = file.header["task"], len(run.stream.tasks)
    if learnt == tasks:
        raise InputError(
            f"{model} has learnt all {tasks} tasks of {file.header['benchmark']}: nothing new has come"
        )
    contents = chosen.contents()
    kept = ("profile", "benchmark", "strategy", "arguments", "made_by")
    about = {name: file.header[name] for name in kept} | {
        "benchmark": name,
        "contents": contents.validation() if chosen.validation else contents,
    }
    folder = models or model.parent
    check_writable(folder)
    run.looks = [Saving(folder, about)]
    start = time.perf_counter()
    with one_thread(run.stream.device.type), arithmetic(run.budget.precision):
        run.train()
    seconds = time.perf_counter() - start
    print_slices(run, file.seeds, range(learnt, tasks + 1), name, file.header["strategy"], as_json)
    if not as_json:
        print(f"tasks {learnt + 1} to {tasks} learnt in {seconds:.1f} s · models: {printable(str(folder))}")
    return 1 if run.diverged else 0
