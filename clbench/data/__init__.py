"""Data sets as arrays: finds, downloads and checks files, and holds the sets that the package embeds."""
