"""`python -m clbench` is `clbench`."""
from clbench.cli import main

if __name__ == "__main__":
    main()
