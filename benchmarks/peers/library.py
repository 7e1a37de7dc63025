"""Our library's first lookup in a new process; the kubeconfig is that of the environment."""

from cachediscovery import CachedDiscoveryClient, DeferredDiscoveryRESTMapper

mapper = DeferredDiscoveryRESTMapper(CachedDiscoveryClient.from_kubeconfig())
print(mapper.mapping_for("deploy").plural)
