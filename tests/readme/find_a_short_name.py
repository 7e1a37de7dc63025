"""Find a short name's kind and path. On the command line: cachediscovery resolve deploy"""

from cachediscovery import CachedDiscoveryClient, DeferredDiscoveryRESTMapper

mapper = DeferredDiscoveryRESTMapper(CachedDiscoveryClient.from_kubeconfig())
mapping = mapper.mapping_for("deploy")
print(mapping.kind, mapping.path("default", "web"))
