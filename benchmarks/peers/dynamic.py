"""The official client's warm lookup, by way of its own cache file: `dynamic.py KUBECONFIG CACHE_FILE`."""

import sys

from kubernetes import config
from kubernetes.dynamic import DynamicClient

client = DynamicClient(config.new_client_from_config(sys.argv[1]), cache_file=sys.argv[2])
print(client.resources.get(api_version="apps/v1", kind="Deployment").name)
