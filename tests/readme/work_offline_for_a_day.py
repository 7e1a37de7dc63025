"""Keep working for a day without the server. On the command line: --cached --stale-if-error=24h"""

from cachediscovery import CachedDiscoveryClient

client = CachedDiscoveryClient.from_kubeconfig(stale_if_error=86400)
for group in client.server_groups().groups:
    print(group.name or "the core group")
