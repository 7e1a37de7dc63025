"""Keeping the cache of a long-lived program true by watching what discovery is made of."""
