"""`clbench evaluate`: a saved model on a benchmark."""

from pathlib import Path
from typing import Annotated

import typer

from clbench.cli.app import Device, app, import_execution

EXAMPLES = """Examples:

  clbench run -b split_digits_class -s er --save-models models

  clbench evaluate models/quick/split_digits_class/er -b split_digits_class"""


@app.command(epilog=EXAMPLES)
def evaluate(
    model: Annotated[
        Path, typer.Argument(help="A file that --save-models wrote, or a folder of them: the last task's.")
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark", "-b", help="Of the same inputs and outputs. Default: the one it was trained on."
        ),
    ] = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the accuracies as JSON.")] = False,
) -> None:
    """Scores a saved model on every slice of a benchmark, with the code that scores a run."""
    import_execution()
    from clbench.artefacts.load import answers_on, benchmark_of, file_of, run_of
    from clbench.artefacts.models import ModelFile
    from clbench.cli.model_tables import print_matrix
    from clbench.execution.devices import choose_device
    from clbench.execution.processor import one_thread

    file = ModelFile(file_of(model))
    name, chosen = benchmark_of(file, benchmark)
    device = choose_device(device)
    run = run_of(file, device=device)
    stream = chosen.stream(file.seeds, run.stream.device)
    with one_thread(run.stream.device.type):
        scores = answers_on(run, stream)
    print_matrix({file.header["task"]: scores}, file.seeds, name, file.header["strategy"], as_json)
