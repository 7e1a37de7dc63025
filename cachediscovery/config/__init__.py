"""From kubeconfig files, flags or a pod's service account to one `ClientConfig`."""
