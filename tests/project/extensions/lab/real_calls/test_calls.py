# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ipaddress
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from packet_proof.lab import Lab, build_lab
from packet_proof.oracle import Packet, permitted
from packet_proof.site import Site, site_from_inventory
from real_calls import calls
from real_calls.calls import CallError, Calls, calls_in, since
from real_calls.phone import Heard

ROOT = Path(__file__).parents[5]
# As extensions/lab/demo/run has it.
OWN_ROW = {"id": "client_sip", "source": ["client"], "destination": ["front_end"], "protocols": ["tcp"]}
VARIABLES = {"port_matrix_extra_rows": [OWN_ROW | {"destination_ports": ["sip"]}]}


@pytest.fixture(scope="module")
def site_and_lab() -> tuple[Site, Lab]:
    command = ["ansible-inventory", "--inventory", str(ROOT / "extensions/lab/demo/inventory"), "--list"]
    command += ["--extra-vars", "lab_state_directory=/nowhere"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    inventory = json.loads(listed)
    site = site_from_inventory(inventory, VARIABLES)
    return site, build_lab(inventory, site)


def test_rows_permit_the_calls(site_and_lab: tuple[Site, Lab]) -> None:
    site, lab = site_and_lab
    pairs = calls_in(lab)
    assert [(caller.host, called.host) for caller, called in pairs] == [("client1", "node2")] * 2
    for caller, called in pairs:
        here, there = ipaddress.ip_address(caller.address), ipaddress.ip_address(called.address)
        proxy = ipaddress.ip_address(caller.proxy) if caller.proxy else here
        if caller.proxy:
            assert permitted(site, Packet(here, proxy, "tcp", 40000, 5061)) == ("client_sip",)
        assert "sip_signaling" in permitted(site, Packet(proxy, there, "tcp", 40000, called.sip_port))
        for mine in caller.media_ports.split("-"):
            for theirs in called.media_ports.split("-"):
                assert "media_to_nodes" in permitted(site, Packet(here, there, "udp", int(mine), int(theirs)))
                assert "media_from_nodes" in permitted(site, Packet(there, here, "udp", int(theirs), int(mine)))


class Machine:
    """Stands for this machine: telephones that hear one packet more at each look, unless they are told otherwise."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.heard = 0
        self.hangs_up = False
        self.fail = ""

    def run(self, *arguments: str, data: bytes | None = None) -> str:
        text = " ".join(arguments)
        self.commands.append(text)
        if self.fail and self.fail in text:
            raise CallError("it fails")
        if "podman inspect" in text:
            return "11 12 13"
        if "audio_debug" in text:
            self.heard += 1
            return "no call" if self.hangs_up else f"member 0x1: lost=0\n rcvd={self.heard}"
        return ""

    def calls(self, text: str) -> list[str]:
        return [command for command in self.commands if text in command]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(calls, "_run", machine.run)
    monkeypatch.setattr(calls, "_LOOKS", 2)
    monkeypatch.setattr(calls.time, "sleep", lambda _seconds: None)
    return machine


def test_calls_are_held_and_cleared_away(machine: Machine, site_and_lab: tuple[Site, Lab]) -> None:
    made = Calls("pexip-sfb-demo-", site_and_lab[1])
    with made.held():
        assert len(machine.calls("dial")) == 2
        assert len(machine.calls("systemd-run")) == 4 + 2
        # Nobody is called before everybody listens.
        assert machine.commands.index(machine.calls("dial")[0]) > machine.commands.index(machine.calls("ss -Hltn")[-1])
        before = made.heard()
        assert len(before) == 4
        assert all(one.received > 0 and one.lost == 0 for one in since(before, made.heard()).values())
    assert len(machine.calls("systemctl stop")) == 4 + 2


def test_a_call_that_is_gone_is_no_silence(machine: Machine, site_and_lab: tuple[Site, Lab]) -> None:
    made = Calls("pexip-sfb-demo-", site_and_lab[1])
    with made.held():
        machine.hangs_up = True
        with pytest.raises(CallError, match=r"client1 \(198\.18\.2\.20\) is in no call any more: no call"):
            made.heard()


def test_a_call_that_does_not_come_about(machine: Machine, site_and_lab: tuple[Site, Lab]) -> None:
    made = Calls("pexip-sfb-demo-", site_and_lab[1])
    machine.hangs_up = True
    with pytest.raises(CallError, match="hears nothing"), made.held():
        pass
    assert machine.calls("systemctl stop")
    machine.fail = "systemd-run"
    with pytest.raises(CallError, match="it fails"), made.held():
        pass


def test_since() -> None:
    assert since({"a": Heard(10, 1)}, {"a": Heard(15, 3)}) == {"a": Heard(5, 2)}


def test_what_fails_is_said() -> None:
    with pytest.raises(CallError, match=r"-c … failed: gone"):
        calls._run(sys.executable, "-c", "import sys; sys.exit('gone')" + " " * 100)
    assert calls._run(sys.executable, "-c", "print(input())", data=b"x\n") == "x\n"


def test_the_files_of_a_phone_come_as_an_archive() -> None:
    data: t.Any = calls._archive({"/run/x/config": "text"})
    done = subprocess.run(["tar", "-t"], input=data, capture_output=True, check=True)
    assert done.stdout == b"run/x/config\n"
