# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._linux_firewall.backend import (
    Wish,
    chosen,
    objections,
)

SSH = ["192.0.2.9", "1", "192.0.2.1", "22"]


def host(
    active: str = "inactive", load: str = "not-found", version: str = "", enabled: str = "disabled", **more: t.Any
) -> dict[str, t.Any]:
    """What a host says whose firewalld is in these states."""
    firewalld = {"active_state": active, "load_state": load, "unit_file_state": enabled, "version": version}
    said = {"service_manager": "systemd", "firewalld": firewalld, "conntrack": "/usr/sbin/conntrack"}
    return {**said, "ssh_connection": SSH, **more}


def wish(
    backend: str = "auto",
    observe_only: bool = False,
    end_flows: bool = False,
    management: bool = False,
    join: dict[str, object] | None = None,
    connection: str = "ssh",
) -> Wish:
    return Wish(backend, observe_only, end_flows, management, join or {}, connection)


@pytest.mark.parametrize(
    ("states", "wanted", "backend"),
    [
        ({"active": "active", "load": "loaded"}, {}, "firewalld"),
        ({"active": "reloading", "load": "loaded"}, {}, "firewalld"),
        ({"enabled": "enabled", "load": "loaded"}, {}, "firewalld"),
        ({"load": "loaded"}, {}, "nftables"),
        ({}, {}, "nftables"),
        ({"active": "active", "load": "loaded"}, {"backend": "firewalld"}, "firewalld"),
        ({"active": "active", "load": "loaded"}, {"backend": "nftables"}, "nftables"),
        ({"active": "active", "load": "loaded"}, {"observe_only": True}, "nftables"),
    ],
)
def test_the_back_end_is_that_of_the_host(states: dict[str, str], wanted: dict[str, t.Any], backend: str) -> None:
    assert chosen(host(**states), wish(**wanted)) == backend


@pytest.mark.parametrize(
    ("connection", "words", "management", "accepted"),
    [
        ("ssh", [], False, False),
        ("ansible.builtin.paramiko_ssh", [], False, False),
        ("ssh", [], True, True),
        ("ssh", SSH, False, True),
        ("local", [], False, True),
    ],
)
def test_a_host_that_hides_its_ssh_connection_needs_a_rule(
    connection: str, words: list[str], management: bool, accepted: bool
) -> None:
    said = objections(host(ssh_connection=words), wish(connection=connection, management=management))
    assert [one.startswith("linux_firewall_management: is empty, because the host does not say") for one in said] == (
        [] if accepted else [True]
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"backend": "firewalld"}, "linux_firewall_backend: firewalld"),
        ({"end_flows": True}, "linux_firewall_end_flows"),
    ],
)
def test_who_only_watches_changes_nothing_else(other: dict[str, t.Any], said: str) -> None:
    running = host(active="active", load="loaded")
    assert objections(running, wish(observe_only=True)) == []
    (objection,) = objections(running, wish(observe_only=True, **other))
    assert objection.startswith(f"linux_firewall_observe_only: true, and {said}")


def test_flows_are_ended_by_a_program_that_has_to_be_there() -> None:
    (objection,) = objections(host(conntrack=""), wish(end_flows=True))
    assert objection.startswith("linux_firewall_end_flows: true, and the program conntrack was not found on this host")


def test_all_that_speaks_against_a_back_end_is_said_at_once() -> None:
    wanted = wish(backend="firewalld", join={"table": "x"})
    said = " ".join(objections(host(load="masked", service_manager="openrc", ssh_connection=[]), wanted))
    for text in (
        "and this host is run by openrc. Use a host with systemd, or leave it out of the play.",
        "linux_firewall_management: is empty, because the host does not say where Ansible connects from",
        "whose table nobody can join; accepted: no linux_firewall_join.",
        "firewalld is masked on this host. The role does not start it, because its zones could lock you out; "
        "accepted: a running firewalld (systemctl unmask firewalld, then systemctl enable --now firewalld), or the",
    ):
        assert text in said
    (objection,) = objections(host(active="active", load="loaded"), wish(backend="nftables", join={"table": "x"}))
    assert objection.startswith("linux_firewall_backend: nftables, and firewalld is enabled or running on this host.")


@pytest.mark.parametrize(
    ("load", "active", "way_out"),
    [
        ("not-found", "inactive", "not installed on this host"),
        ("loaded", "failed", "failed on this host"),
        ("loaded", "inactive", "(systemctl enable --now firewalld)"),
    ],
)
def test_a_firewalld_that_does_not_run_is_not_started(load: str, active: str, way_out: str) -> None:
    (objection,) = objections(host(load=load, active=active), wish(backend="firewalld"))
    assert way_out in objection


@pytest.mark.parametrize(
    ("backend", "version", "accepted"),
    [("auto", "0.9.3", False), ("firewalld", "0.9.11", False), ("auto", "1.0.0", True), ("auto", "2.4.0~beta1", True)],
)
def test_a_firewalld_that_is_too_old_is_refused_at_once(backend: str, version: str, accepted: bool) -> None:
    said = objections(host(active="active", load="loaded", version=version), wish(backend=backend))
    refused = (
        f"linux_firewall_backend: {backend}, and firewalld {version} is in charge of this host. Only from 1.0 on can a "
        "rule have an ipset as its destination, which the matrix needs; accepted: firewalld 1.0 or later, "
        "or linux_firewall_backend: nftables where firewalld is stopped and disabled "
        "(systemctl disable --now firewalld)."
    )
    assert said == ([] if accepted else [refused])
