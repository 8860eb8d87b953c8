"""`python -m clbench` is `clbench`."""

import sys


def main() -> None:
    """The command line; Ctrl-C while it is imported ends it without a traceback, too."""
    try:
        from clbench.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
