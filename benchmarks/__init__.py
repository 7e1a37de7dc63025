"""Benchmarks: ratios between programs that are measured in turn, in one run."""
