// Command apiserver runs a real kube-apiserver on an embedded etcd, on free
// loopback ports, for the tests and the benchmarks of cachediscovery.
//
// It writes its certificates, its data and a kubeconfig below --dir, prints one
// line "ready <kubeconfig>" once it serves, and ends when its standard input
// closes, so that it never outlives the test run which started it.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const readyTimeout = 120 * time.Second

func main() {
	dir := flag.String("dir", "", "folder for certificates, data and the kubeconfig (required)")
	flag.Parse()
	if *dir == "" {
		fail(fmt.Errorf("--dir is required"))
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fail(run(*dir, flag.Args()))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

// run serves until the process ends; extraArgs go to kube-apiserver as they are.
func run(dir string, extraArgs []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	pki, err := newPKI(dir)
	if err != nil {
		return err
	}
	etcdURL, err := startEtcd(filepath.Join(dir, "etcd"))
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	server := fmt.Sprintf("https://127.0.0.1:%d", port)
	command := app.NewAPIServerCommand()
	command.SetArgs(append(serverArgs(pki, etcdURL, port), extraArgs...))
	served := make(chan error, 1)
	go func() { served <- command.ExecuteContext(context.Background()) }()
	if err := waitReady(server, pki, served); err != nil {
		return err
	}
	kubeconfig, err := writeKubeconfig(dir, server, pki)
	if err != nil {
		return err
	}
	fmt.Println("ready", kubeconfig)
	return <-served
}

func serverArgs(pki *pki, etcdURL string, port int) []string {
	return []string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + pki.serverCert,
		"--tls-private-key-file=" + pki.serverKey,
		"--client-ca-file=" + pki.ca,
		"--token-auth-file=" + pki.tokens,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki.serverKey,
		"--service-account-signing-key-file=" + pki.serverKey,
		"--service-cluster-ip-range=10.0.0.0/24",
		"--requestheader-client-ca-file=" + pki.ca,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-allowed-names=" + aggregatorName,
		"--proxy-client-cert-file=" + pki.proxyCert,
		"--proxy-client-key-file=" + pki.proxyKey,
		"--watch-cache=true",
		"--profiling=false",
		"--v=0",
	}
}

// startEtcd serves one member without fsync: nothing here must survive a crash.
func startEtcd(dir string) (string, error) {
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	loopback := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls = []url.URL{loopback}
	config.ListenPeerUrls = []url.URL{loopback}
	config.AdvertiseClientUrls = []url.URL{loopback}
	config.AdvertisePeerUrls = []url.URL{loopback}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", fmt.Errorf("etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return "http://" + etcd.Clients[0].Addr().String(), nil
	case <-time.After(readyTimeout):
		return "", fmt.Errorf("etcd was not ready after %s", readyTimeout)
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// waitReady waits for /readyz and for the first complete discovery document.
func waitReady(server string, pki *pki, served <-chan error) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pki.caPEM)
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}}
	deadline := time.Now().Add(readyTimeout)
	for time.Now().Before(deadline) {
		select {
		case err := <-served:
			return fmt.Errorf("kube-apiserver ended before it was ready: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		request, err := http.NewRequest(http.MethodGet, server+"/readyz", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Authorization", "Bearer "+adminToken)
		response, err := client.Do(request)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("kube-apiserver was not ready after %s", readyTimeout)
}
