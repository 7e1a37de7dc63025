"""Integrations that put kubectl's cache under other Python clients. Each module needs its own optional extra."""
