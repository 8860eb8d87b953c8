"""Arrays to numbers, numbers to intervals, intervals to verdicts (numpy and scipy only)."""
