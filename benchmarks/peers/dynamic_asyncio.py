"""kubernetes_asyncio's warm lookup, by way of its own cache file: `dynamic_asyncio.py KUBECONFIG CACHE_FILE`."""

import asyncio
import sys

from kubernetes_asyncio import config
from kubernetes_asyncio.dynamic import DynamicClient


async def main() -> None:
    async with (
        await config.new_client_from_config(sys.argv[1]) as api_client,
        DynamicClient(api_client, cache_file=sys.argv[2]) as client,
    ):
        found = await client.resources.get(api_version="apps/v1", kind="Deployment")
        print(found.name)


asyncio.run(main())
