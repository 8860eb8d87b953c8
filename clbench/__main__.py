"""`python -m clbench` is `clbench`."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """The command line. SIGTERM ends a command as Ctrl-C does, at any time, without a traceback."""
    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not ignored, as in the background
        signal.signal(signal.SIGINT, end)
    try:
        from clbench.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


def end(signum: int, frame: FrameType | None) -> None:
    """Ends a command: by KeyboardInterrupt, but at once within an import.

    Libraries in C that are being imported catch the exception, abort or recurse without end. What an end at
    once leaves behind is what `kill -9` leaves, and no file is half-written by that.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            os._exit(130)
        frame = frame.f_back
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
