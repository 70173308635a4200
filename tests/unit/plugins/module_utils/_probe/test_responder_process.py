# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a responder, started for real: whom it answers, and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe import responder_process
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_process import (
    Process,
    start_responder,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_token import new_token, reply_to

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def listening() -> Iterator[Sockets]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_server(("127.0.0.1", 0)) as tcp:
        udp.bind(("127.0.0.1", 0))
        yield udp, tcp


@pytest.fixture
def responder(listening: Sockets) -> Iterator[tuple[str, Process]]:
    token = new_token()
    process = start_responder(listening, token, 30)
    yield token, process
    process.end()


def say(sock: socket.socket, data: bytes) -> bytes:
    """What the responder at *sock* answers to *data*; nothing where it is silent."""
    with socket.socket(sock.family, sock.type) as client:
        client.settimeout(0.6)
        client.connect(sock.getsockname())
        client.sendall(data)
        try:
            return client.recv(100)
        except (TimeoutError, ConnectionResetError):
            return b""


def test_it_answers_the_token_with_as_many_bytes(listening: Sockets, responder: tuple[str, Process]) -> None:
    token, _process = responder
    for sock in listening:
        assert say(sock, token.encode()) == reply_to(token)
    assert len(reply_to(token)) == len(token)
    assert reply_to(token) != token.encode()


@pytest.mark.parametrize("data", [b"x", b"x" * 32, b"GET / HTTP/1.0\r\n\r\n", bytes(2000)])
def test_it_answers_nothing_else(data: bytes, listening: Sockets, responder: tuple[str, Process]) -> None:
    token, process = responder
    for sock in listening:
        assert say(sock, data) == b""
        assert say(sock, token.encode() + b"x") == b""
        assert say(sock, token.encode()[:-1]) == b""
    assert process.is_running()


def test_a_token_in_two_parts_is_a_token(listening: Sockets, responder: tuple[str, Process]) -> None:
    token, _process = responder
    with socket.create_connection(listening[1].getsockname(), timeout=2) as client:
        client.sendall(token.encode()[:10])
        time.sleep(0.1)
        client.sendall(token.encode()[10:])
        assert client.recv(100) == reply_to(token)


def test_it_ends_though_the_signals_were_blocked_where_it_was_started(listening: Sockets) -> None:
    blocked = (signal.SIGALRM, signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        process = start_responder(listening, new_token(), 30)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    started = time.monotonic()
    assert process.end()
    assert not process.is_running()
    assert time.monotonic() - started < 4


def test_many_probes_at_once_are_answered_though_their_tokens_take_a_while(
    listening: Sockets, responder: tuple[str, Process]
) -> None:
    token, _process = responder
    clients = [socket.create_connection(listening[1].getsockname(), timeout=5) for _number in range(300)]
    time.sleep(0.2)
    for client in clients:
        client.sendall(token.encode())
    assert {client.recv(100) for client in clients} == {reply_to(token)}
    for client in clients:
        client.close()


def test_silent_connections_do_not_keep_others_out_for_long(
    listening: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With as many as it takes in earnest, the first are closed before the last are made, on a busy machine.
    monkeypatch.setattr(responder_process, "_CONNECTIONS", 10)
    token = new_token()
    process = start_responder(listening, token, 30)
    silent = [socket.create_connection(listening[1].getsockname(), timeout=5) for _number in range(10)]
    assert say(listening[1], token.encode()) == b""
    for client in silent:
        assert client.recv(1) == b""  # closed after three seconds
        client.close()
    assert say(listening[1], token.encode()) == reply_to(token)
    process.end()


def test_it_is_a_process_of_its_own_that_holds_nothing_of_its_parent(
    listening: Sockets, responder: tuple[str, Process]
) -> None:
    _token, process = responder
    proc = Path(f"/proc/{process.pid}")
    deadline = time.monotonic() + 5
    while os.getsid(process.pid) == os.getsid(0) or (proc / "cwd").readlink() != Path("/"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.2)
    targets = [str((proc / "fd" / name).readlink()) for name in os.listdir(proc / "fd")]
    sockets = [f"socket:[{os.fstat(sock.fileno()).st_ino}]" for sock in listening]
    assert sorted(set(targets)) == sorted({"/dev/null", *sockets, *(t for t in targets if t.startswith("anon_inode"))})


def test_ending_tells_whether_it_was_there(responder: tuple[str, Process]) -> None:
    _token, process = responder
    assert process.is_running()
    assert process.end()
    assert not process.is_running()
    assert not process.end()


def test_one_that_does_not_heed_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responder_process, "_GRACE", 0.2)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout
        deaf.stdout.readline()
        assert Process(deaf.pid, responder_process._start_of(deaf.pid) or 0).end()
        assert deaf.wait(5) == -signal.SIGKILL


def test_another_process_with_its_number_is_left_alone() -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        assert not Process(other.pid, 1).end()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("serve", ["serve(self, seconds)", "(lambda: time.sleep(60))()"], ids=["it serves", "it hangs"])
def test_it_ends_in_time_also_where_whoever_started_it_is_dead(serve: str, tmp_path: Path) -> None:
    script = f"""
        import os, signal, socket, sys, time
        from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe import responder_process as module
        serve = module.Responder.serve
        module.Responder.serve = lambda self, seconds: {serve}
        process = module.start_responder([socket.create_server(("127.0.0.1", 0))], "0" * 32, 2)
        print(process.pid, process.start, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    program = tmp_path / "start.py"
    program.write_text(textwrap.dedent(script), encoding="utf-8")
    collections = str(Path(responder_process.__file__).parents[6])
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([collections, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    process = Process(*map(int, done.stdout.split()))
    assert process.is_running()
    while process.is_running():
        assert time.monotonic() < started + 6
        time.sleep(0.05)
    assert time.monotonic() > started + 1.5
