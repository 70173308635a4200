# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process of a responder, started for real: whom it answers, and that it ends."""

from __future__ import annotations

import contextlib
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

pytestmark = pytest.mark.operating_system

HANG = 600  # seconds: only what hangs takes as long, on a busy machine too
Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def listening() -> Iterator[Sockets]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.create_server(("127.0.0.1", 0)) as tcp:
        udp.bind(("127.0.0.1", 0))
        yield udp, tcp


@pytest.fixture
def responder(listening: Sockets, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Process]]:
    # How long a client takes to say its token is the machine's affair.
    monkeypatch.setattr(responder_process, "_SECONDS_FOR_A_CONNECTION", HANG)
    token = new_token()
    process = start_responder(listening, token, HANG)
    yield token, process
    process.end()


def say(sock: socket.socket, data: bytes, patience: float = HANG) -> bytes:
    """What the responder at *sock* answers to *data*; nothing where it closes the connection or is silent."""
    with socket.socket(sock.family, sock.type) as client:
        client.settimeout(patience)
        client.connect(sock.getsockname())
        client.sendall(data)
        try:
            return client.recv(100)
        except (socket.timeout, ConnectionResetError):
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
        assert say(sock, data, 0.6) == b""
        assert say(sock, token.encode() + b"x", 0.6) == b""
        assert say(sock, token.encode()[:-1], 0.6) == b""
    assert process.is_running()


def test_a_token_in_two_parts_is_a_token(listening: Sockets, responder: tuple[str, Process]) -> None:
    token, _process = responder
    with socket.create_connection(listening[1].getsockname(), timeout=HANG) as client:
        client.sendall(token.encode()[:10])
        time.sleep(0.1)
        client.sendall(token.encode()[10:])
        assert client.recv(100) == reply_to(token)


def test_it_ends_though_the_signals_were_blocked_where_it_was_started(
    listening: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responder_process, "_GRACE", HANG)
    sent: list[int] = []
    kill = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, number: (sent.append(number), kill(pid, number)))
    blocked = (signal.SIGALRM, signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        process = start_responder(listening, new_token(), HANG)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert process.end()
    assert not process.is_running()
    assert sent == [signal.SIGTERM]


def test_many_probes_at_once_are_answered_though_their_tokens_take_a_while(
    listening: Sockets, responder: tuple[str, Process]
) -> None:
    token, _process = responder
    clients = [socket.create_connection(listening[1].getsockname(), timeout=HANG) for _number in range(300)]
    time.sleep(0.2)
    for client in clients:
        client.sendall(token.encode())
    assert {client.recv(100) for client in clients} == {reply_to(token)}
    for client in clients:
        client.close()


@pytest.fixture
def few_connections(monkeypatch: pytest.MonkeyPatch) -> int:
    """As many connections as a responder takes: with the number that it has in earnest, these tests would take long."""
    monkeypatch.setattr(responder_process, "_CONNECTIONS", 10)
    return 10


def test_no_more_connections_are_taken_than_a_process_may_have(
    listening: Sockets, few_connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responder_process, "_SECONDS_FOR_A_CONNECTION", HANG)
    token = new_token()
    process = start_responder(listening, token, HANG)
    address = listening[1].getsockname()
    silent = [socket.create_connection(address, timeout=HANG) for _number in range(few_connections)]
    assert say(listening[1], token.encode()) == b""
    for client in silent:
        client.close()
    process.end()


def test_silent_connections_do_not_keep_others_out_for_long(listening: Sockets, few_connections: int) -> None:
    token = new_token()
    process = start_responder(listening, token, HANG)
    address = listening[1].getsockname()
    for client in [socket.create_connection(address, timeout=HANG) for _number in range(few_connections)]:
        assert client.recv(1) == b""  # closed after three seconds
        client.close()
    assert say(listening[1], token.encode()) == reply_to(token)
    process.end()


def test_it_is_a_process_of_its_own_that_holds_nothing_of_its_parent(
    listening: Sockets, responder: tuple[str, Process]
) -> None:
    _token, process = responder
    proc = Path(f"/proc/{process.pid}")
    deadline = time.monotonic() + HANG
    while os.getsid(process.pid) == os.getsid(0) or (proc / "cwd").readlink() != Path("/"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    kept = {"/dev/null", *(f"socket:[{os.fstat(sock.fileno()).st_ino}]" for sock in listening)}
    while {name for name in _open(proc) if not name.startswith("anon_inode")} != kept:
        assert time.monotonic() < deadline, _open(proc)
        time.sleep(0.02)


def _open(proc: Path) -> list[str]:
    """What a process has open; not what it closes while we look."""
    names = []
    for entry in os.listdir(proc / "fd"):
        with contextlib.suppress(FileNotFoundError):
            names.append(str((proc / "fd" / entry).readlink()))
    return names


def test_ending_tells_whether_it_was_there(responder: tuple[str, Process]) -> None:
    _token, process = responder
    assert process.is_running()
    assert process.end()
    assert not process.is_running()
    assert not process.end()


def test_one_that_does_not_heed_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responder_process, "_GRACE", 0.2)
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(3600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout
        deaf.stdout.readline()
        assert Process(deaf.pid, responder_process._start_of(deaf.pid) or 0).end()
        assert deaf.wait(HANG) == -signal.SIGKILL


def test_another_process_with_its_number_is_left_alone() -> None:
    other = subprocess.Popen(["sleep", "3600"])
    try:
        assert not Process(other.pid, 1).end()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


# A busy machine may take longer to start it and to look than it lives; then it gets more time.
@pytest.mark.parametrize(
    "serve", ["serve(self, seconds)", "(lambda: time.sleep(3600))()"], ids=["it serves", "it hangs"]
)
def test_it_ends_in_time_also_where_whoever_started_it_is_dead(serve: str, tmp_path: Path) -> None:
    script = f"""
        import os, signal, socket, sys, time
        from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe import responder_process as module
        serve = module.Responder.serve
        module.Responder.serve = lambda self, seconds: {serve}
        process = module.start_responder([socket.create_server(("127.0.0.1", 0))], "0" * 32, int(sys.argv[1]))
        print(process.pid, process.start, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    program = tmp_path / "start.py"
    program.write_text(textwrap.dedent(script), encoding="utf-8")
    for seconds in (2, 20, 200):
        started = time.monotonic()
        process = _of_a_dead_parent(program, seconds)
        if process.is_running():
            break
    else:
        pytest.fail("it did not outlive its parent")
    while process.is_running():
        assert time.monotonic() < started + HANG
        time.sleep(0.05)
    assert time.monotonic() > started + seconds - 0.5


def _of_a_dead_parent(program: Path, seconds: int) -> Process:
    parents = Path(responder_process.__file__).parents
    collections = str(next(path.parent for path in parents if path.name == "ansible_collections"))
    done = subprocess.run(
        [sys.executable, str(program), str(seconds)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([collections, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    return Process(*map(int, done.stdout.split()))
