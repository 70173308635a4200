# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to the firewall while traffic flows through it, with each back end."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from real_calls.calls import Calls, since

from flow_loss.crew import Traffic
from flow_loss.doors import Firewall
from flow_loss.judge import Measurement, Verdict, as_text
from flow_loss.traffic import FIREWALL

_COLLECTION = "uc_firewall.pexip_sfb"
_NO_RELOAD = '"reload": []'
_TABLE = "table inet pexip_sfb"
_NAT_TABLE = "table ip lab_nat"
_RULESET_FILE = "/etc/pexip_sfb/ruleset.nft"
_APPLIES = 10
_TWO_STEPS = 100
_MANY = 2000
_ENDPOINTS = (
    "conferencing_node", "front_end", "edge", "edge_av", "edge_internal", "client", "sfb_server", "web_conferencing",
    "turn_server", "wac_server",
)  # fmt: skip


class LoadError(Exception):
    """Something did not go as it must."""


@dataclass(frozen=True)
class Site:
    """The site that the role is applied to, and how it is called."""

    backend: str
    arguments: Sequence[str]
    log: Path
    firewall: Firewall
    new_traffic: Callable[[], Traffic]
    calls: Calls

    def apply(self, *applies: dict[str, t.Any]) -> list[str]:
        """Apply the role to the firewall, once with each of these settings; return what each apply said.

        :raises LoadError: the role failed, or changed nothing.
        """
        fixed = {"linux_firewall_backend": self.backend}
        plays = [{"import_playbook": f"{_COLLECTION}.site", "vars": fixed | settings} for settings in applies]
        playbook = self.log.with_suffix(".yml")
        playbook.write_text(json.dumps(plays), "utf-8")
        said = self.play(str(playbook)).split("\nPLAY [Linux hosts and transit firewalls]")[1:]
        if len(said) != len(applies) or not all("\nchanged: [fw]" in one for one in said):
            raise LoadError(f"Not every apply changed something; see {self.log}.")
        return said

    def play(self, playbook: str) -> str:
        """Run a playbook, verbosely: its output says what the modules returned."""
        command = ["ansible-playbook", "-v", *self.arguments, playbook, "--limit", FIREWALL]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.log.write_text(done.stdout, "utf-8")
        if done.returncode:
            raise LoadError(f"The playbook {playbook} failed; the end of {self.log}:\n{done.stdout[-3000:]}")
        return done.stdout


def ten_applies(site: Site) -> None:
    """Add and remove addresses of nodes and of others, each change confirmed over a new connection."""
    site.apply(*(_addresses(number) for number in range(_APPLIES)))


def off_and_on(site: Site) -> None:
    """Remove all that the role owns, and put it on again."""
    site.play(f"{_COLLECTION}.remove")
    if _TABLE in site.firewall.nft("list", "tables"):
        raise LoadError("The table is still there.")
    site.apply({})


def first_apply(site: Site) -> None:
    """Apply the role to a firewall that has tracked no connection, as its first time does."""
    tracked = int(site.firewall.run("conntrack", "-C"))
    if tracked:
        raise LoadError(f"{tracked} connections are tracked, so this would be no first apply.")
    site.apply({"linux_firewall_older_flows": 30})


def in_two_steps(site: Site) -> None:
    """Replace the table as nobody should: with 50 ms in between, in which it lets nothing pass.

    Three times, and then again until each kind of traffic had something to lose: where the machine is busy, a sender
    may not have run just then.
    """
    closed = f"{_TABLE} {{\nchain forward {{\ntype filter hook forward priority filter; policy drop;\n}}\n}}\n"
    for number in range(_TWO_STEPS):
        site.firewall.nft("-f", "-", data=f"delete {_TABLE}\n{closed}")
        time.sleep(0.05)
        site.firewall.nft("-f", _RULESET_FILE)
        time.sleep(0.5)
        doors = site.firewall.counted()
        if number >= 2 and all(entered > doors["out"][what] for what, entered in doors["in"].items()):
            return


def five_applies(site: Site) -> None:
    """Add and remove addresses of nodes, without a reload of firewalld."""
    networks: tuple[list[str], list[str]] = ([], ["198.18.0.10", "198.18.0.13"])
    applies = [{"port_matrix_endpoints": {"conferencing_node": {"networks": networks[n % 2]}}} for n in range(1, 6)]
    if not all(_NO_RELOAD in said for said in site.apply(*applies)):
        raise LoadError("firewalld had to reload.")


def reload(site: Site) -> None:
    """Disable a row: a set less is a reload."""
    if _NO_RELOAD in site.apply({"port_matrix_disabled_rows": ["wac_content"]})[0]:
        raise LoadError("A row went, and firewalld did not reload.")


def many_addresses(site: Site) -> None:
    """Apply the role for 2,000 addresses in each endpoint, with as many tasks as for a few; tell how long it takes.

    :raises LoadError: it takes more tasks.
    """
    few = site.log.read_text("utf-8").count("\nTASK")
    networks = {  # every other address, so that nothing merges
        name: {"networks": [f"10.{10 + index}.{n // 128}.{n % 128 * 2}" for n in range(_MANY)]}
        for index, name in enumerate(_ENDPOINTS)
    }
    started = time.monotonic()
    site.apply({"port_matrix_endpoints": networks})
    seconds = time.monotonic() - started
    many = site.log.read_text("utf-8").count("\nTASK")
    _say(f"{_MANY} addresses in each endpoint: applied in {seconds:.0f} s with {many} tasks; a few take {few}")
    if many != few:
        raise LoadError("The number of tasks depends on the number of addresses.")


def nftables(site: Site, verdict: Verdict) -> None:
    """Measure the back end nftables, and leave the site of the lab, which is that of a first apply."""
    with site.calls.held():
        verdict.none_may_be_lost(_measure(site, "Ten applies that added and removed addresses", ten_applies))
        verdict.none_may_be_lost(_measure(site, "The table taken off, and put on again", off_and_on))
        # Without a table that asks for it, ours or that of the lab's NAT, a kernel tracks no connection.
        nat = site.firewall.nft("list", *_NAT_TABLE.split())
        for table in (_TABLE, _NAT_TABLE):
            site.firewall.nft("delete", *table.split())
        site.firewall.run("conntrack", "-F")
        verdict.none_may_be_lost(_measure(site, "A first apply while calls flow", first_apply))
        site.firewall.nft("-f", "-", data=nat)
        verdict.some_must_be_lost(
            _measure(site, "For comparison: the table replaced in two steps, 50 ms apart", in_two_steps)
        )


def firewalld(site: Site, verdict: Verdict) -> None:
    """Measure the back end firewalld, and leave many addresses. What a reload loses is firewalld's: not judged."""
    with site.calls.held():
        verdict.none_may_be_lost(_measure(site, "Five applies that added and removed addresses", five_applies))
        verdict.is_told(_measure(site, "One apply with a reload (told, not judged)", reload))
    many_addresses(site)


def _addresses(number: int) -> dict[str, t.Any]:
    """Return settings that differ from those of the number before, in sets and in rules.

    The other nodes than the one that calls come and go; so do a network of clients, a second TURN server (one address
    is in the rule, two are a set) and, with one of its own, the Front End's.
    """
    if number % 2:
        return {"port_matrix_endpoints": {"conferencing_node": {"networks": ["2001:db8:1::10"]}}}
    more = {
        "conferencing_node": ["198.18.0.10", "198.18.0.13", "2001:db8:1::13"],
        "client": ["198.18.2.240/28", "2001:db8:3:0:c000::/68"],
        "turn_server": ["198.18.1.42", "2001:db8:2::42"],
        "front_end": [f"198.18.1.{23 + number}"],
    }
    return {"port_matrix_endpoints": {name: {"networks": networks} for name, networks in more.items()}}


def _measure(site: Site, title: str, deed: Callable[[Site], None]) -> Measurement:
    traffic = site.new_traffic()
    before = site.calls.heard()
    with traffic.flowing():
        deed(site)
    assert traffic.result is not None
    result = replace(traffic.result, heard=since(before, site.calls.heard()))
    _say(as_text(title, result))
    return result


def _say(text: str) -> None:
    print(text, flush=True)
