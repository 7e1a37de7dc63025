"""Put the cache under a program that uses the official client's DynamicClient."""

from kubernetes import config
from kubernetes.dynamic import DynamicClient

from cachediscovery.integrations.kubernetes import CachedDiscoverer

client = DynamicClient(config.new_client_from_config(), discoverer=CachedDiscoverer)
print(client.resources.get(api_version="apps/v1", kind="Deployment").name)
