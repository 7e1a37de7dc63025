"""The files of the cache: where they are, whom to trust with them, how they are read, replaced and locked. Knows no HTTP."""
