"""The command line. Only the modules below here print."""
