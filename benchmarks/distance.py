"""A server at a distance: a TCP proxy on loopback that takes a round trip for what a network takes one for.

A client of the proxy is connected at once, but what it sends leaves only when a TCP handshake over the distance would be
over: whoever does something else in the meantime loses nothing by it. Every chunk then takes half a round trip, each way.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

_CHUNK = 256 << 10


class Distance:
    """The proxy, in a process of its own: `url` leads to `upstream` (host and port) by way of it."""

    def __init__(self, port: int, round_trip: float, certificate: Path | None = None) -> None:
        """`port` is the server's, on loopback; `round_trip` is in seconds.

        With the file of a certificate and its key, the proxy ends TLS in place of the server.
        """
        command = [sys.executable, "-m", "benchmarks.distance", str(port), str(round_trip)]
        command += [str(certificate)] if certificate is not None else []
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> Distance:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")
        self._process.wait(10)


async def _serve(port: int, round_trip: float, certificate: str = "") -> None:
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, not_before: float) -> None:
        """Carry chunks one way. They go off at `not_before` at the earliest, and are half a round trip under way."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            data = b"-"
            while data:
                data = await reader.read(_CHUNK)
                queue.put_nowait((max(loop.time(), not_before) + round_trip / 2, data))
            await delivering
        finally:
            delivering.cancel()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        not_before = loop.time() + round_trip
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await asyncio.gather(carry(reader, far_writer, not_before), carry(far_reader, writer, 0.0))
            finally:
                far_writer.close()
        except OSError:
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
