"""The two kinds of error that are for people."""


class InputError(Exception):
    """What the user asked for is wrong; one line says what would be right. The command line exits with 2."""


class Unavailable(Exception):
    """Data or a library is not here; the message says how to get it."""


class RunFailed(Exception):
    """A run broke off; says where. The reason is its `__cause__`."""

    def __init__(self, task: int, step: int):
        super().__init__(f"in task {task} at step {step}")
        self.task, self.step = task, step
