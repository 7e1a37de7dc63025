"""The Kubernetes discovery model, as values and pure functions: names, types, errors, JSON documents, listings."""
