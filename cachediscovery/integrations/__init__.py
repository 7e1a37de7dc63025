"""kubectl's cache under the Python clients in use: one module for each, and each an optional extra."""
