"""A method as one script that runs without clbench: its own code and all that this needs, taken from the files."""
