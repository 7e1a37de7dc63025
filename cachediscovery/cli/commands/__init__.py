"""One module for each command. Its `run(parsed)` returns the exit code."""
