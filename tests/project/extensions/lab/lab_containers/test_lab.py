# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the lab is made and removed: the calls of podman, and what is said where one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from filter_plugins.lab_topology import lab_plan
from lab_containers import __main__ as command
from lab_containers import lab

ZONES = {"inside": {"subnets": ["198.19.1.0/24", "2001:db8:1::/64"]}, "outside": {"subnets": ["198.19.2.0/24"]}}


def plan() -> dict[str, Any]:
    """Two hosts and a router between their zones."""
    shared = {"lab_zones": ZONES, "lab_image": "debian13"}
    hosts = [
        {"inventory_hostname": "turn1", "lab_addresses": ["198.19.1.4"], "lab_services": ["coturn"], **shared},
        {
            "inventory_hostname": "fw",
            "lab_addresses": ["198.19.1.2", "2001:db8:1::2", "198.19.2.2"],
            "lab_router": True,
            "lab_capabilities": ["SYS_PTRACE"],
            **shared,
        },
    ]
    return lab_plan(hosts, "pexip-sfb-try-", "pexip_sfb_lab=try", {"debian13": "localhost/lab:1"})


class Machine:
    """Stands for this machine: takes every command down, and fails those that it is told to fail."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.fail: dict[str, str] = {}
        self.prints: dict[str, str] = {"ip route get": "198.19.1.4 dev podman1 src 198.19.1.1"}

    def run(self, *arguments: str) -> str:
        text = " ".join(arguments)
        self.commands.append(text)
        for beginning, reason in self.fail.items():
            if text.startswith(beginning):
                raise lab.LabError(reason)
        return next((printed for beginning, printed in self.prints.items() if text.startswith(beginning)), "")

    def calls(self, beginning: str) -> list[str]:
        return [text for text in self.commands if text.startswith(beginning)]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    machine.prints["podman inspect"] = "11\n12\n"
    monkeypatch.setattr(lab, "_run", machine.run)
    monkeypatch.setattr(lab, "_answers", lambda lab, host: machine.run("await", host.name))
    monkeypatch.setattr(
        lab, "_has_started_everything", lambda lab, host, process: machine.run("started", host.name, process)
    )
    monkeypatch.setattr(lab.os, "geteuid", lambda: 0)
    return machine


def test_a_lab_is_made_of_its_plan(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main("create", plan() | {"state": str(tmp_path / "state")}) == 0
    assert capsys.readouterr().out.split() == ["pexip-sfb-try-turn1", "pexip-sfb-try-fw"]
    inside, outside = machine.calls("podman network create")
    assert inside == (
        "podman network create --internal --disable-dns --label pexip_sfb_lab=try --subnet 198.19.1.0/24 "
        "--gateway 198.19.1.1 --subnet 2001:db8:1::/64 --gateway 2001:db8:1::1 --ipv6 pexip-sfb-try-inside"
    )
    assert outside.endswith("--subnet 198.19.2.0/24 --gateway 198.19.2.1 pexip-sfb-try-outside")
    turn, firewall = sorted(machine.calls("podman run"), reverse=True)
    assert "--name pexip-sfb-try-turn1 --hostname turn1 --label pexip_sfb_lab=try" in turn
    assert "--network=pexip-sfb-try-inside:interface_name=eth0,mac=02:53:c6:13:01:04,ip=198.19.1.4" in turn
    assert (
        "--env=LAB_ROUTES=default 198.19.1.2 --env=LAB_SOURCE_ROUTES= --env=LAB_NAT= --env=LAB_SERVICES=coturn" in turn
    )
    assert "--env=LAB_AUTHORIZED_KEY=ssh-ed25519 " in turn
    assert turn.endswith(" localhost/lab:1 /sbin/init")
    assert "SYS_PTRACE" not in turn
    assert "--cap-add=SYS_ADMIN --cap-add=SYS_PTRACE " in firewall
    assert "--sysctl=net.ipv4.ip_forward=1" in firewall
    assert (tmp_path / "state/id_ed25519").stat().st_mode & 0o777 == 0o600


def test_the_commands_do_not_grow_with_the_hosts_but_for_their_start(machine: Machine, tmp_path: Path) -> None:
    assert command.main("create", plan() | {"state": str(tmp_path)}) == 0
    assert len(machine.calls("podman")) == 1 + 2 + 2 + 1  # info; networks; hosts; their processes
    assert machine.calls("started") in (["started turn1 11", "started fw 12"], ["started fw 12", "started turn1 11"])


@pytest.mark.parametrize(
    ("fails", "reason", "said"),
    [
        (
            "podman info",
            "cannot clone",
            "podman does not work here (cannot clone). On Debian 12 or 13, as root: apt-get",
        ),
        ("podman network", "subnet is in use", "zone inside (--subnet 198.19.1.0/24"),
        ("podman run --detach --name pexip-sfb-try-fw", "no such image", "fw: no such image"),
        ("await", "it is silent", "turn1: it is silent\nfw: it is silent"),
        ("started fw", "degraded", "fw: degraded"),
    ],
)
def test_what_fails_is_said(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], fails: str, reason: str, said: str
) -> None:
    machine.fail[fails] = reason
    assert command.main("create", plan() | {"state": str(tmp_path)}) == 1
    assert said in capsys.readouterr().err


def test_addresses_of_somebody_else_are_not_used(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.prints["ip route get"] = "198.19.1.4 via 192.0.2.1 dev eth0"
    assert command.main("create", plan() | {"state": str(tmp_path)}) == 1
    assert "turn1 is not reached directly by this machine: 198.19.1.4 via 192.0.2.1" in capsys.readouterr().err
    assert not machine.calls("await")


def test_root_is_needed(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lab.os, "geteuid", lambda: 1000)
    assert command.main("create", plan() | {"state": str(tmp_path)}) == 1
    assert "Run it as root." in capsys.readouterr().err
    assert machine.commands == ["podman info"]


def test_without_podman_it_is_said_how_to_get_it(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert command.main("remove", {"label": "a=b", "state": str(tmp_path)}) == 1
    assert "apt-get install podman" in capsys.readouterr().err


def test_all_that_carries_the_label_goes(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "id_ed25519").touch()
    (tmp_path / "id_ed25519.pub").touch()
    machine.prints |= {"podman ps": "try-fw\ntry-turn1\n", "podman network ls": "try-inside\n"}
    assert command.main("remove", {"label": "pexip_sfb_lab=try", "state": str(tmp_path)}) == 0
    assert capsys.readouterr().out.split() == ["try-fw", "try-turn1", "try-inside"]
    assert "podman rm --force --ignore --volumes --time 0 try-fw try-turn1" in machine.commands
    assert "podman network rm --force --time 0 try-inside" in machine.commands
    assert all(
        "label=pexip_sfb_lab=try" in call for call in machine.calls("podman ps") + machine.calls("podman network ls")
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("reason", "attempts"), [("shm: device or resource busy", 60), ("no space left", 1)])
def test_a_container_that_is_busy_is_removed_in_a_moment(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, attempts: int
) -> None:
    machine.prints |= {"podman ps": "try-fw\n"}
    machine.fail["podman rm"] = reason
    monkeypatch.setattr(lab.time, "sleep", lambda seconds: None)
    removal = {"label": "pexip_sfb_lab=try", "state": str(tmp_path)}
    assert command.main("remove", removal) == 1
    assert len(machine.calls("podman rm")) == attempts
    machine.commands.clear()
    monkeypatch.setattr(lab.time, "sleep", lambda seconds: machine.fail.clear())
    assert command.main("remove", removal) == (0 if attempts > 1 else 1)


def test_where_nothing_is_left_nothing_is_removed(
    machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main("remove", {"label": "pexip_sfb_lab=try", "state": str(tmp_path)}) == 0
    assert capsys.readouterr().out.strip() == ""
    assert not machine.calls("podman rm")


def environments(*hosts: dict[str, Any]) -> dict[str, dict[str, str]]:
    router = {"inventory_hostname": "fw", "lab_addresses": ["198.19.1.2", "198.19.2.2"], "lab_router": True}
    shared = {"lab_zones": ZONES, "lab_image": "debian13"}
    made = lab_plan(
        [host | shared for host in (router | {"lab_nat": ["inside"]}, *hosts)], "x-", "a=b", {"debian13": "i"}
    )
    return {host["name"]: host["environment"] for host in made["hosts"]}


def test_an_address_of_another_zone_than_the_default_has_a_way_of_its_own() -> None:
    interfaces = {"av_edge": ["198.19.2.9"], "internal": ["198.19.1.9"], "access_edge": "av_edge"}
    edge = {"inventory_hostname": "edge1", "port_matrix_interfaces": interfaces, "lab_default_zone": "outside"}
    made = environments(edge)["edge1"]
    assert (made["LAB_ROUTES"], made["LAB_SOURCE_ROUTES"]) == ("default 198.19.2.2", "198.19.1.9 198.19.1.2")


def test_a_router_translates_the_pairs_in_the_zones_that_it_is_told() -> None:
    hosts = [
        {"inventory_hostname": name, "port_matrix_addresses": [{"address": address, "advertised": outside}]}
        for name, address, outside in (("a", "198.19.1.5", "203.0.113.5"), ("b", "198.19.2.5", "203.0.113.6"))
    ]
    pair = {"address": "198.19.1.7", "advertised": "203.0.113.7"}
    hosts.append({"inventory_hostname": "c", "port_matrix_interfaces": {"av_edge": [pair], "access_edge": "av_edge"}})
    assert environments(*hosts)["fw"]["LAB_NAT"] == "198.19.1.5 203.0.113.5;198.19.1.7 203.0.113.7"
    assert environments(*hosts)["a"]["LAB_NAT"] == ""
