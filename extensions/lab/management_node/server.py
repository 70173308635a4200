# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the stand-in: within a test, in a thread, or as a process of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from .api import ManagementNode


def context(certificate: Path) -> ssl.SSLContext:
    """Return what TLS needs of *certificate*, a PEM file with the private key and the chain."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate)
    return made


async def start(node: ManagementNode, address: str, port: int, tls: ssl.SSLContext) -> tuple[web.AppRunner, int]:
    """Start the server, and return it with its port."""
    # What waits for ever is over when the client has gone.
    runner = web.AppRunner(node.app(), handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, address, port, ssl_context=tls)
    await site.start()
    return runner, runner.addresses[0][1]


@contextmanager
def running(node: ManagementNode, tls: ssl.SSLContext, address: str = "127.0.0.1") -> Iterator[int]:
    """Run the server in a thread, and give its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        runner, port = asyncio.run_coroutine_threadsafe(start(node, address, 0, tls), loop).result()
        try:
            yield port
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
