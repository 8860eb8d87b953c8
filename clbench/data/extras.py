"""What the package's extras bring."""

from clbench.errors import Unavailable


def not_installed(name: str, extra: str) -> Unavailable:
    """To raise where something of an extra is asked for and is not there."""
    return Unavailable(f"{name} is not installed: pip install 'clbench[{extra}]'")
