"""What Kubernetes says, as values and pure functions: names, types, errors, JSON documents, listings."""
