"""A reverse proxy as small as can be: HTTP and web sockets, passed on as a usual proxy passes them."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

LIMIT = 1 << 16
GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class Proxy:
    """Passes everything below one path on to a server.

    :ivar asked: the first lines of all requests.
    """

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self.host, self.port, self.path = str(parts.hostname), parts.port, parts.path
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*GONE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append(head.partition("\r\n")[0])
            if not re.match(rf"\w+ {re.escape(self.path)}(/|\?| )", head):
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                await self.pass_on(head, reader, writer)
        with contextlib.suppress(*GONE):
            writer.close()

    async def pass_on(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection(self.host, self.port)
        lines = head.rstrip("\r\n").split("\r\n")
        if not any(re.match(r"(?i)upgrade:", line) for line in lines):
            lines = [line for line in lines if not re.match(r"(?i)connection:", line)] + ["Connection: close"]
        lines += ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: http"]
        downstream.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        there = asyncio.ensure_future(self.pump(reader, downstream))
        await self.pump(upstream, writer)
        there.cancel()
        downstream.close()

    async def pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(*GONE):
            while block := await source.read(LIMIT):
                sink.write(block)
                await sink.drain()


@contextlib.contextmanager
def proxied(server: str) -> Iterator[tuple[Proxy, int]]:
    """Run a proxy before a server; give it and its port."""
    proxy, loop = Proxy(server), asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy, listening.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        loop.run_until_complete(ended())
        loop.close()


async def ended() -> None:
    """End what is still under way."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
