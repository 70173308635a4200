# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy between a caller and a called one: what each of them sees."""

from __future__ import annotations

import asyncio
import subprocess
import typing as t
from pathlib import Path

import pytest
from real_calls.sip_proxy import Message, Proxy, host_of

INVITE = (
    b"INVITE sip:node1@{called}:5061;transport=tls SIP/2.0\r\n"
    b"Via: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKcaller;rport\r\n"
    b"Route: <sip:127.0.0.2:5061;transport=tls;lr>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 4\r\n\r\nbody"
)


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("<sip:node1@10.0.0.1:5061;transport=tls>;tag=1", "10.0.0.1"),
        ("sip:[2001:db8::1]:5061;lr", "2001:db8::1"),
        ("<sip:client1-0x55@[2001:db8::2];transport=tls>", "2001:db8::2"),
        ("sip:10.0.0.1;lr", "10.0.0.1"),
    ],
)
def test_the_host_of_a_uri(uri: str, host: str) -> None:
    assert host_of(uri) == host


def test_what_has_no_uri() -> None:
    with pytest.raises(ValueError, match="no SIP URI: tel:1"):
        host_of("tel:1")


def test_a_message_is_written_as_it_was_read() -> None:
    head, body = INVITE.split(b"\r\n\r\n")
    message = Message(head.decode(), body)
    assert message.as_bytes() == INVITE
    assert message.is_request
    assert not Message("SIP/2.0 200 OK", b"").is_request
    message.without_first("route")
    assert message.value("Route") is None
    message.without_first("route")


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    path = tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    done = subprocess.run([*request, "-subj", "/CN=x", "-keyout", "-", "-out", "-"], capture_output=True, check=True)
    path.write_bytes(done.stdout)
    return str(path)


class Connection:
    """Stands for the writer of a connection, and takes down what is written."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        """Nothing waits."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return self.address, 40000


async def pass_on(proxy: Proxy, connection: Connection, *data: bytes) -> None:
    """What comes over a connection, and then its end."""
    reader = asyncio.StreamReader()
    for part in data:
        reader.feed_data(part)
    reader.feed_eof()
    await proxy.read(reader, t.cast(t.Any, connection))


def test_a_call_goes_through_it_and_its_answer_comes_back(certificate: str) -> None:
    proxy = Proxy(certificate, "127.0.0.2")
    caller, called = Connection("127.0.0.1"), Connection("127.0.0.3")
    proxy.writers["127.0.0.3"] = t.cast(t.Any, called)
    asyncio.run(pass_on(proxy, caller, b"\r\n\r\n", INVITE.replace(b"{called}", b"127.0.0.3")))
    (asked,) = called.written
    assert asked.startswith(
        b"INVITE sip:node1@127.0.0.3:5061;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.2:5061;"
    )
    assert b"Record-Route: <sip:127.0.0.2:5061;transport=tls;lr>\r\n" in asked
    assert b"\r\nRoute: <sip:127.0.0.2:5061" not in asked
    assert asked.endswith(b"\r\n\r\nbody")
    assert caller.closed  # its connection has ended

    vias = [line for line in asked.split(b"\r\n") if line.startswith(b"Via")]
    answer = b"\r\n".join([b"SIP/2.0 200 OK", *vias, b"Content-Length: 0", b"", b""])
    stray = answer.replace(b"branch=z9hG4bK", b"branch=z9hG4bKnobodys")
    asyncio.run(pass_on(proxy, called, answer, stray))
    assert caller.written == [answer.replace(vias[0] + b"\r\n", b"")]


def test_a_connection_that_has_ended_is_made_again(certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    async def open_connection(host: str, port: int, **_tls: t.Any) -> tuple[asyncio.StreamReader, Connection]:
        assert port == 5061
        made.append(Connection(host))
        reader = asyncio.StreamReader()
        reader.feed_eof()
        return reader, made[-1]

    async def twice(proxy: Proxy) -> None:
        first = await proxy.writer_to("127.0.0.3")
        assert await proxy.writer_to("127.0.0.3") is first
        first.close()
        assert await proxy.writer_to("127.0.0.3") is not first
        await asyncio.gather(*proxy.readers)

    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    asyncio.run(twice(Proxy(certificate, "127.0.0.2")))
    assert len(made) == 2
