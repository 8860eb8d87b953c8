"""Data sets of labelled images and their file formats, as class streams use them."""
