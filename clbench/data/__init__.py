"""Tensors from files: finding, downloading and checking them, and the data sets that are embedded."""
