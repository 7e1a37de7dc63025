from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachediscovery import AsyncCachedDiscoveryClient, ClientConfig, DiscoveryChange, GroupVersionResource
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.watching.watch import PATHS

from ..conftest import eventually, threads_of_ours

WIDGETS = GroupVersionResource("new.test", "v1", "widgets")


def run(
    server: DiscoveryServer, tmp_path: Path, program: Callable[[AsyncCachedDiscoveryClient], Awaitable[None]]
) -> None:
    """Run a program with a client that holds everything."""

    async def main() -> None:
        async with AsyncCachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path)) as client:
            await client.server_groups_and_resources()
            await asyncio.wait_for(program(client), 60)

    asyncio.run(main())
    assert eventually(lambda: not threads_of_ours()), "no thread is left"


def test_the_watch_yields_what_was_added_modified_and_removed(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        async with client.watch() as watch:
            assert watch.is_running
            assert await watch.wait_until_watching(20)
            server.install_crd("new.test/v1", "Widget", subresources=())
            changes = []
            async for change in watch:
                changes.append(change)
                if len(changes) == 1:
                    assert "new.test" in [group.name for group in (await client.server_groups()).groups]
                    server.uninstall_crd("widgets.new.test")
                else:
                    break
            assert changes == [
                DiscoveryChange(groups=("new.test",), added=(WIDGETS,)),
                DiscoveryChange(groups=("new.test",), removed=(WIDGETS,)),
            ]
            assert await watch.next_change(0.1) is None
        assert not watch.is_running
        assert [change async for change in watch] == []

    run(server, tmp_path, program)


def test_a_watch_starts_when_it_is_iterated_and_ends_with_the_task(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        watch = client.watch()
        seen: list[DiscoveryChange] = []

        async def follow() -> None:
            async for change in watch:
                seen.append(change)

        following = asyncio.ensure_future(follow())
        assert await watch.wait_until_watching(20)
        server.install_crd("new.test/v1", "Widget")
        while not seen:
            await asyncio.sleep(0.01)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        assert watch.is_watching, "the watch itself was not cancelled"
        rest = asyncio.ensure_future(follow())
        await asyncio.sleep(0)
        await watch.aclose()
        await rest

    run(server, tmp_path, program)


def test_many_watches_leave_the_executor_free(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        watches = [client.watch() for _ in range(4)]
        waiting = [asyncio.ensure_future(watch.next_change()) for watch in watches]
        assert await watches[-1].wait_until_watching(30)
        client.invalidate()
        assert (await client.server_groups()).groups
        server.install_crd("new.test/v1", "Widget")
        assert all(change is not None and change.added == (WIDGETS,) for change in await asyncio.gather(*waiting))
        await asyncio.gather(*(watch.aclose() for watch in watches))

    run(server, tmp_path, program)


@pytest.mark.parametrize("is_coroutine", [False, True])
def test_on_change_is_called_on_the_loop(
    server: DiscoveryServer, tmp_path: Path, is_coroutine: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        calls: list[asyncio.AbstractEventLoop] = []

        def count() -> None:
            calls.append(asyncio.get_running_loop())
            if len(calls) == 1:
                raise ValueError("oops")

        async def count_later() -> None:
            await asyncio.sleep(0)
            count()

        async with client.watch(on_change=count_later if is_coroutine else count) as watch:
            assert await watch.wait_until_watching(20)
            for number, kind in enumerate(("Widget", "Other"), 1):
                server.install_crd("new.test/v1", kind)
                while len(calls) < number:
                    await asyncio.sleep(0.01)
        assert set(calls) == {asyncio.get_running_loop()}

    run(server, tmp_path, program)
    assert "on_change raised ValueError: oops" in caplog.text


def test_on_change_may_close_the_watch(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        async def close() -> None:
            await watch.aclose()

        async with client.watch(on_change=close) as watch:
            assert await watch.wait_until_watching(20)
            server.install_crd("new.test/v1", "Widget")
            while watch.is_running:
                await asyncio.sleep(0.01)

    run(server, tmp_path, program)


def test_a_denied_watch_reports_what_polling_finds(
    server: DiscoveryServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in PATHS:
        server.fail(path, Failure(403))

    async def program(client: AsyncCachedDiscoveryClient) -> None:
        async with client.watch(interval=0.1) as watch:
            assert not await watch.wait_until_watching(0.1)
            assert watch.can_watch
            server.install_crd("new.test/v1", "Widget")
            change = await watch.next_change(20)
            assert change is not None
            assert change.added == (WIDGETS,)

    with caplog.at_level(logging.WARNING, "cachediscovery"):
        run(server, tmp_path, program)


def test_subscribers_are_called_on_the_loop(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        watch, called = client.watch(), asyncio.Event()
        watch.subscribe(called.set)
        async with watch:
            await asyncio.wait_for(called.wait(), 20)

    run(server, tmp_path, program)


def test_a_watch_cancelled_while_it_starts_is_closed(server: DiscoveryServer, tmp_path: Path) -> None:
    async def program(client: AsyncCachedDiscoveryClient) -> None:
        starting = asyncio.ensure_future(client.watch().__aenter__())
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    run(server, tmp_path, program)


def test_a_watch_left_open_ends_with_the_first_change_after_its_loop(server: DiscoveryServer, tmp_path: Path) -> None:
    async def main() -> None:
        client = AsyncCachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(tmp_path))
        await client.server_groups_and_resources()
        assert await client.watch().wait_until_watching(20)

    asyncio.run(main())
    server.install_crd("new.test/v1", "Widget")
    assert eventually(lambda: not threads_of_ours())
