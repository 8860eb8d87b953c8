"""Pairs in time: images or texts with their captions, dated, cut into slices. Readers of files, and the embedded sets."""
