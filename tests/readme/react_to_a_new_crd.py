"""React to a new CRD in an asyncio program."""

import asyncio

from cachediscovery import AsyncCachedDiscoveryClient


async def react(client, call):
    async with client.watch() as watch:
        async for change in watch:
            for resource in change.added:
                call(resource.group_resource)


if __name__ == "__main__":
    asyncio.run(react(AsyncCachedDiscoveryClient.from_kubeconfig(), lambda name: print(name, flush=True)))
