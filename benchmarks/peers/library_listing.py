"""Our library's whole listing in a new process; the kubeconfig is that of the environment."""

from cachediscovery import CachedDiscoveryClient

groups, lists = CachedDiscoveryClient.from_kubeconfig().server_groups_and_resources()
print(len(groups), sum(len(resource_list.resources) for resource_list in lists))
