"""Test the program that reacts to a new CRD. Run with pytest."""

import asyncio

from react_to_a_new_crd import AsyncCachedDiscoveryClient, react

from cachediscovery.testing import DiscoveryServer


async def first_name(server, folder):
    client, names = AsyncCachedDiscoveryClient.for_config(server.config, cache_dir=folder), asyncio.Queue()
    await client.refresh()
    server.install_crd("example.com/v1", "Widget")
    reacting = asyncio.ensure_future(react(client, names.put_nowait))
    return await names.get(), reacting.cancel()


def test_the_program_reacts_to_a_new_crd(tmp_path):
    with DiscoveryServer() as server:
        assert str(asyncio.run(first_name(server, str(tmp_path)))[0]) == "widgets.example.com"
