"""Turns kubeconfig files, flags or a pod's service account into one `ClientConfig`."""
