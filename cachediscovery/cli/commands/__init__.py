"""One module for each command, whose `run(parsed)` returns the exit code."""
