"""The cached discovery client and its rules: entries, expiry, invalidation, one fetch for concurrent misses."""
