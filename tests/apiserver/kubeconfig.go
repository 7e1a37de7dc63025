package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// writeKubeconfig offers one context for each way to identify oneself: the
// bearer token (current), the client certificate, a user without any rights
// beyond discovery, and nobody at all.
func writeKubeconfig(dir, server string, pki *pki) (string, error) {
	path := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: token
clusters:
- name: local
  cluster:
    server: %s
    certificate-authority: ca.crt
contexts:
- name: token
  context: {cluster: local, user: token}
- name: certificate
  context: {cluster: local, user: certificate}
- name: viewer
  context: {cluster: local, user: viewer}
- name: anonymous
  context: {cluster: local, user: anonymous}
users:
- name: token
  user: {token: %s}
- name: certificate
  user: {client-certificate: client.crt, client-key: client.key}
- name: viewer
  user: {token: %s}
- name: anonymous
  user: {}
`, server, adminToken, viewerToken)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
