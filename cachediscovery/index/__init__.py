"""The index: the contents of all of a cluster's documents in one file, which a new process reads in a millisecond."""
