# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A SIP proxy over TLS (RFC 3261, section 16) that stands for a Front End: clients call through it, media goes past it.

Runs inside a lab host: ``python3 sip_proxy.py CERTIFICATE ADDRESS``. It imports nothing but the standard library. It
knows as much of SIP as a call of two telephones takes: it never retries, forks or asks who somebody is.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import sys

PORT = 5061
_BRANCH = "z9hG4bK"  # how RFC 3261 has every branch begin


class Message:
    """A SIP message: its first line, its header fields in order, and its body."""

    def __init__(self, text: str, body: bytes) -> None:
        self.first, *lines = text.split("\r\n")
        self.fields = [(name.strip(), value.strip()) for name, _colon, value in (line.partition(":") for line in lines)]
        self.body = body

    @property
    def is_request(self) -> bool:
        """Whether it asks, and does not answer."""
        return not self.first.startswith("SIP/2.0")

    def value(self, name: str) -> str | None:
        """The first value of a field."""
        return next((value for field, value in self.fields if field.lower() == name.lower()), None)

    def without_first(self, name: str) -> None:
        """Take the first field of a name away."""
        found = next((at for at, (field, _value) in enumerate(self.fields) if field.lower() == name.lower()), None)
        if found is not None:
            del self.fields[found]

    def as_bytes(self) -> bytes:
        """The message as it is sent."""
        head = [self.first, *(f"{name}: {value}" for name, value in self.fields)]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + self.body


def host_of(uri: str) -> str:
    """The host of the SIP URI in a text such as ``<sip:node1@[2001:db8::1]:5061;transport=tls>;tag=1``."""
    found = re.search(r"sips?:(?:[^@>;]*@)?(?:\[([0-9a-fA-F:]+)\]|([^:;>]+))", uri)
    if not found:
        raise ValueError(f"no SIP URI: {uri}")
    return found[1] or found[2]


class Proxy:
    """Connections to everybody who has called or was called, and where the answers to open requests belong."""

    def __init__(self, certificate: str, address: str) -> None:
        self.address = address
        self.name = f"[{address}]" if ":" in address else address
        self.serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.serving.load_cert_chain(certificate)
        self.calling = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.calling.check_hostname = False
        self.calling.verify_mode = ssl.CERT_NONE  # the lab's certificates are their own authorities
        self.writers: dict[str, asyncio.StreamWriter] = {}
        self.askers: dict[str, asyncio.StreamWriter] = {}
        self.readers: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Serve until somebody ends it."""
        server = await asyncio.start_server(self.read, self.address, PORT, ssl=self.serving)
        async with server:
            await server.serve_forever()

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes over a connection, until it ends."""
        self.writers[writer.get_extra_info("peername")[0]] = writer
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n"))[:-4].lstrip(b"\r\n")
                if not head:  # somebody keeps the connection alive
                    continue
                message = Message(head.decode(), b"")
                message.body = await reader.readexactly(int(message.value("Content-Length") or 0))
                await (self.ask(message, writer) if message.is_request else self.answer(message))
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def ask(self, message: Message, asker: asyncio.StreamWriter) -> None:
        """Pass a request on to where its route, or its URI, leads."""
        while (route := message.value("Route")) and host_of(route) == self.address:
            message.without_first("Route")
        target = await self.writer_to(host_of(route or message.first.split()[1]))
        branch = _BRANCH + secrets.token_hex(8)
        self.askers[branch] = asker
        message.fields.insert(0, ("Via", f"SIP/2.0/TLS {self.name}:{PORT};branch={branch};rport"))
        if message.first.startswith("INVITE"):
            message.fields.insert(1, ("Record-Route", f"<sip:{self.name}:{PORT};transport=tls;lr>"))
        target.write(message.as_bytes())
        await target.drain()

    async def answer(self, message: Message) -> None:
        """Pass an answer back to who asked."""
        branch = re.search(r"branch=(\w+)", message.value("Via") or "")
        asker = self.askers.get(branch[1]) if branch else None
        if asker is None:
            return
        message.without_first("Via")
        asker.write(message.as_bytes())
        await asker.drain()

    async def writer_to(self, host: str) -> asyncio.StreamWriter:
        """The connection to a host, which there is already or which is made."""
        if host not in self.writers or self.writers[host].is_closing():
            reader, writer = await asyncio.open_connection(host, PORT, ssl=self.calling)
            self.writers[host] = writer
            task = asyncio.create_task(self.read(reader, writer))
            self.readers.add(task)
            task.add_done_callback(self.readers.discard)
        return self.writers[host]


if __name__ == "__main__":
    asyncio.run(Proxy(*sys.argv[1:3]).serve())
