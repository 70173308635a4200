# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets telephones up in the lab's hosts, lets them call each other, and asks what they hear."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from packet_proof.lab import Lab

from real_calls.phone import CONTROL, Heard, Phone, bracketed, command, heard

# Nobody else listens for SIP on these hosts: flow_loss does on others.
POOL, CLIENT, NODE = "fe2", "client1", "node2"
_VERSIONS = (4, 6)
_SIP = 5061
_NODE_MEDIA, _CLIENT_MEDIA = "49000-49199", "30000-30199"  # no port of what flow_loss counts
_HANGS = "600"  # seconds: only what hangs takes as long
_LOOKS = 600  # for the first packets of a call
_PROXY_DIRECTORY = "/run/lab-sip-proxy"


class CallError(Exception):
    """A telephone cannot be set up, or does not call; the text says why."""


def calls_in(lab: Lab) -> list[tuple[Phone, Phone]]:
    """Who calls whom, in each family: a client calls a node by way of the pool, past which its media goes."""
    found = []
    for number, version in enumerate(_VERSIONS):
        control, proxy = 4444 + number, _address(lab, POOL, version)
        client = Phone(CLIENT, _address(lab, CLIENT, version), _SIP, _CLIENT_MEDIA, control, proxy)
        found.append((client, Phone(NODE, _address(lab, NODE, version), _SIP, _NODE_MEDIA, control)))
    return found


class Calls:
    """The calls of a lab.

    :param prefix: what comes before a host's name in its container's.
    """

    def __init__(self, prefix: str, lab: Lab) -> None:
        self._pairs = calls_in(lab)
        self._proxies = {f"lab-sip-proxy{p.family}": p.proxy for pair in self._pairs for p in pair if p.proxy}
        hosts = sorted({phone.host for pair in self._pairs for phone in pair} | {POOL})
        containers = [f"{prefix}{host}" for host in hosts]
        processes = _run("podman", "inspect", "--format", "{{.State.Pid}}", *containers).split()
        self._process = dict(zip(hosts, processes, strict=True))

    @property
    def phones(self) -> list[Phone]:
        """All telephones."""
        return [phone for pair in self._pairs for phone in pair]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold all calls as long as this lasts.

        :raises CallError: one of them does not come about.
        """
        try:
            self._set_up()
            for caller, called in self._pairs:
                self._tell(caller, command("dial", called.uri))
            for phone in self.phones:
                self._wait_for_media(phone)
            yield
        finally:
            self._clear_away()

    def heard(self) -> dict[str, Heard]:
        """What each telephone has received since its call began.

        :raises CallError: a call is gone.
        """
        found = {}
        for phone in self.phones:
            text = self._tell(phone, command("audio_debug"))
            if (one := heard(text)) is None:
                raise CallError(f"{phone.host} ({phone.address}) is in no call any more: {text}")
            found[f"{phone.host} {phone.address}"] = one
        return found

    def _set_up(self) -> None:
        certificate = _certificate()
        files: dict[str, dict[str, str]] = {}
        for phone in self.phones:
            made = {f"{phone.directory}/{name}": text for name, text in phone.files(certificate).items()}
            files.setdefault(phone.host, {}).update(made)
        program = Path(__file__).with_name("sip_proxy.py").read_text("utf-8")
        files[POOL] = {f"{_PROXY_DIRECTORY}/certificate.pem": certificate, f"{_PROXY_DIRECTORY}/proxy.py": program}
        for host, texts in files.items():
            _run("nsenter", "--all", "--target", self._process[host], "tar", "-x", "-C", "/", data=_archive(texts))
        for unit, address in self._proxies.items():
            proxy = ("python3", f"{_PROXY_DIRECTORY}/proxy.py", f"{_PROXY_DIRECTORY}/certificate.pem", address)
            self._start(POOL, unit, *proxy)
            self._listens(POOL, f"src {bracketed(address)} and sport = :{_SIP}")
        for phone in self.phones:
            self._start(phone.host, phone.unit, "baresip", phone.family, "-f", phone.directory)
        for phone in self.phones:
            self._listens(phone.host, f"sport = :{phone.control_port}")
            self._listens(phone.host, f"src {bracketed(phone.address)} and sport = :{phone.sip_port}")

    def _clear_away(self) -> None:
        units = [(phone.host, phone.unit) for phone in self.phones] + [(POOL, unit) for unit in self._proxies]
        for host, unit in units:
            with contextlib.suppress(CallError):  # it was never started, or has ended by itself
                _run("nsenter", "--all", "--target", self._process[host], "systemctl", "stop", unit)

    def _start(self, host: str, unit: str, *program: str) -> None:
        where = ("nsenter", "--all", "--target", self._process[host])
        _run(*where, "systemd-run", "--quiet", "--collect", "--unit", unit, *program)

    def _listens(self, host: str, what: str) -> None:
        """Wait until somebody listens: a program has started before its socket is there."""
        wait = f"until ss -Hltn '{what}' | grep -q .; do sleep 0.1; done"
        _run("nsenter", "--net", "--target", self._process[host], "timeout", _HANGS, "sh", "-c", wait)

    def _wait_for_media(self, phone: Phone) -> None:
        for _look in range(_LOOKS):
            if (one := heard(self._tell(phone, command("audio_debug")))) is not None and one.received:
                return
            time.sleep(0.2)
        raise CallError(f"{phone.host} ({phone.address}) hears nothing.")

    def _tell(self, phone: Phone, order: str) -> str:
        where = ("nsenter", "--net", "--target", self._process[phone.host])
        return _run(*where, sys.executable, "-c", CONTROL, str(phone.control_port), order)


def since(before: Mapping[str, Heard], after: Mapping[str, Heard]) -> dict[str, Heard]:
    """What was received, and what was lost, between two moments of the same calls."""
    return {
        name: Heard(one.received - before[name].received, one.lost - before[name].lost) for name, one in after.items()
    }


def _address(lab: Lab, host: str, version: int) -> str:
    return next(str(s.address) for s in lab.containers[host].stations if s.address.version == version)


def _certificate() -> str:
    """A key and a certificate that it signed itself."""
    request = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    return _run(*request, "-days", "30", "-subj", "/CN=lab.invalid", "-keyout", "-", "-out", "-")


def _archive(texts: Mapping[str, str]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, text in texts.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def _run(*arguments: str, data: bytes | None = None) -> str:
    done = subprocess.run(arguments, input=data, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()
        raise CallError(f"{_shown(arguments)} failed: {said}")
    return done.stdout.decode(errors="replace")


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(argument if len(argument) < 80 else "…" for argument in arguments)
