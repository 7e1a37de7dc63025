"""The files of the cache: where they are, whether to trust them, how they are read, replaced and locked. No HTTP."""
