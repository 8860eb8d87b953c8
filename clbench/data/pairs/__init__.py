"""Dated pairs, such as images with captions: readers of files, and the sets that the package embeds."""
