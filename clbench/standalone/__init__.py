"""A method as one script that runs without clbench: its code and all that it needs, from the files."""
