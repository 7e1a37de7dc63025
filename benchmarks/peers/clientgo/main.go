// Command clientgo does with client-go what the benchmarks do in Python: it lists the preferred resources, or
// resolves one name, by way of the disk-cached discovery client that kubectl uses.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/disk"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

var unsafe = regexp.MustCompile(`[^(\w/.)]`)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "clientgo:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	root := os.Getenv("KUBECACHEDIR")
	host := strings.TrimPrefix(strings.TrimPrefix(config.Host, "https://"), "http://")
	folder := filepath.Join(root, "discovery", unsafe.ReplaceAllString(host, "_"))
	client, err := disk.NewCachedDiscoveryClientForConfig(config, folder, filepath.Join(root, "http"), 6*time.Hour)
	if err != nil {
		return err
	}
	if arguments[0] == "list" {
		lists, err := client.ServerPreferredResources()
		if err != nil {
			return err
		}
		count := 0
		for _, list := range lists {
			count += len(list.APIResources)
		}
		fmt.Println(count)
		return nil
	}
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(client), client, nil)
	kind, err := mapper.KindFor(schema.GroupVersionResource{Resource: arguments[1]})
	if err != nil {
		return err
	}
	fmt.Println(kind)
	return nil
}
