"""The cache's files: where they are, whether to trust them, and how to read, replace and lock them. No HTTP."""
