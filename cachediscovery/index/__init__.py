"""The index file: what all documents of a cluster say, in one file that a new process can read in a millisecond."""
