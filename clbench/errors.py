"""The kinds of error that are for people."""


class InputError(Exception):
    """What the user asked for is wrong; one line says what would be right. The command line exits with 2.

    field: the argument that is wrong, with the value that it has; Python's users read `seeds=0: …`, those of
    the command line `--seeds 0: …`.
    """

    def __init__(self, reason: str, field: str | None = None, value=None):
        super().__init__(reason if field is None else f"{field}={value!r}: {reason}")
        self.reason, self.field, self.value = reason, field, value

    def on_command_line(self) -> str:
        """The line with the option's name in front."""
        if self.field is None:
            return str(self)
        value = ",".join(map(str, self.value)) if isinstance(self.value, list) else self.value
        return f"--{self.field.replace('_', '-')} {value}: {self.reason}"


class OwnCodeFailed(InputError):
    """A file of the user's own, or a plug-in, broke off; says the error, file and line. A run counts it as a
    failed pair; other commands end with it."""


class BrokeOff(Exception):
    """Something outside gave way: the disk is full, the folder is gone, a cluster does not answer.

    Says what and where; what was done before is whole. The command line exits with 1."""


class Unavailable(Exception):
    """Data or a library is not here; the message says how to get it."""


class HookError(Exception):
    """A hook of a part gives back something else than is due; one line names the part, the hook, what it
    gives and what would be right."""


class RunFailed(Exception):
    """A run broke off; says where. The reason is its `__cause__`."""

    def __init__(self, task: int, step: int):
        super().__init__(f"in task {task} at step {step}")
        self.task, self.step = task, step
