"""Memory: what an argument asks for is estimated before it is tried."""

from clbench.errors import InputError

GIB = 2**30


def machine_bytes() -> int:
    """The memory of this machine."""
    import psutil

    total: int = psutil.virtual_memory().total
    return total


def check_fits(size: float, what: str) -> None:
    """Raises InputError where so many bytes are more than this machine has. what: what takes them, with the
    arguments that it depends on."""
    if size > machine_bytes():
        raise InputError(
            f"{what} would take about {_gib(size)} of memory; this machine has {_gib(machine_bytes())}"
        )


def _gib(size: float) -> str:
    return f"{size / GIB:,.1f} GiB"
