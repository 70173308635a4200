# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which back end a Linux host gets, and what speaks against that."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Backend = t.Literal["nftables", "firewalld"]

# Connections over which Ansible comes to a host as an SSH client.
_OVER_SSH = ("ssh", "paramiko", "paramiko_ssh", "libssh", "smart")
_STATES = {"masked": "masked", "not-found": "not installed"}
_WAYS_OUT = {
    "masked": "systemctl unmask firewalld, then systemctl enable --now firewalld",
    "not installed": "install the package firewalld",
}
_FIRST_WITH_IPSETS = 1


@dataclass(frozen=True)
class Wish:
    """What the variables of the role say: each is the one that ends in its name."""

    backend: str
    observe_only: bool
    end_flows: bool
    management: bool
    join: Mapping[str, object]
    connection: str


def chosen(host: Mapping[str, t.Any], wish: Wish) -> Backend:
    """Return the back end of a *host*, which is what the module ``linux_firewall_info`` says of it."""
    if wish.backend != "auto":
        return "firewalld" if wish.backend == "firewalld" else "nftables"
    return "firewalld" if _in_charge(host) and not wish.observe_only else "nftables"


def objections(host: Mapping[str, t.Any], wish: Wish) -> list[str]:
    """Return all that speaks against the back end of *host*, a sentence or two each."""
    backend = chosen(host, wish)
    of_backend = _against_nftables if backend == "nftables" else _against_firewalld
    return [*_against_any(host, wish, backend), *of_backend(host, wish)]


def _in_charge(host: Mapping[str, t.Any]) -> bool:
    firewalld = host["firewalld"]
    return firewalld["active_state"] in ("active", "activating", "reloading") or firewalld["unit_file_state"] in (
        "enabled",
        "enabled-runtime",
    )


def _against_any(host: Mapping[str, t.Any], wish: Wish, backend: Backend) -> Iterator[str]:
    if host["service_manager"] != "systemd":
        yield (
            f"The ruleset is loaded at boot by a systemd unit, and this host is run by {host['service_manager']}. "
            "Use a host with systemd, or leave it out of the play."
        )
    over_ssh = wish.connection.rpartition(".")[2] in _OVER_SSH
    if over_ssh and len(host["ssh_connection"]) != 4 and not wish.management:
        yield (
            "linux_firewall_management: is empty, because the host does not say where Ansible connects from "
            "(no SSH_CONNECTION); accepted: a rule that lets the controller in."
        )
    if wish.end_flows and not host["conntrack"]:
        yield (
            "linux_firewall_end_flows: true, and the program conntrack was not found on this host; accepted: a host "
            "with the package conntrack (elsewhere conntrack-tools), or false."
        )
    if wish.observe_only and (backend == "firewalld" or wish.end_flows):
        other = "linux_firewall_backend: firewalld" if backend == "firewalld" else "linux_firewall_end_flows: true"
        yield (
            f"linux_firewall_observe_only: true, and {other} changes what the host lets through; accepted: one of them."
        )


def _against_nftables(host: Mapping[str, t.Any], wish: Wish) -> Iterator[str]:
    if _in_charge(host) and not wish.observe_only:
        yield (
            "linux_firewall_backend: nftables, and firewalld is enabled or running on this host. A table of our own "
            "cannot give what firewalld takes away; accepted: firewalld or auto, or a host where firewalld is disabled "
            "and stopped, or linux_firewall_observe_only: true."
        )


def _against_firewalld(host: Mapping[str, t.Any], wish: Wish) -> Iterator[str]:
    firewalld = host["firewalld"]
    if wish.join:
        yield (
            f"linux_firewall_join: {dict(wish.join)}, and firewalld is in charge of this host, whose table nobody can "
            "join; accepted: no linux_firewall_join."
        )
    if firewalld["active_state"] not in ("active", "reloading"):
        state = _STATES.get(firewalld["load_state"], firewalld["active_state"])
        way_out = _WAYS_OUT.get(state, "systemctl enable --now firewalld")
        yield (
            f"linux_firewall_backend: {wish.backend}, and firewalld is {state} on this host. The role does not start "
            f"it, because its zones could lock you out; accepted: a running firewalld ({way_out}), or the back end "
            "nftables where firewalld is disabled."
        )
    # Of one that did not say its version, the module firewalld_objects finds it out.
    first = re.match(r"\d+", firewalld["version"])
    if first and int(first[0]) < _FIRST_WITH_IPSETS:
        yield (
            f"linux_firewall_backend: {wish.backend}, and firewalld {firewalld['version']} is in charge of this host. "
            "Only from 1.0 on can a rule have an ipset as its destination, which the matrix needs; accepted: "
            "firewalld 1.0 or later, or linux_firewall_backend: nftables where firewalld is stopped and disabled "
            "(systemctl disable --now firewalld)."
        )
