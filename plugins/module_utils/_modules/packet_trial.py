# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module ``packet_trial`` does, for that module and for those that do it in one call with others."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.links import read_host
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.planned import Plan, PlanError
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.report import (
    Group,
    Report,
    advice,
    judge_packets,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._packet_trial.zones import Zones
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Ruleset, read_ruleset
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.translations import translating_chains

_LEGACY = (Path("/proc/net/ip_tables_names"), Path("/proc/net/ip6_tables_names"))
_MOST_WARNINGS = 5
_MOST_ROWS = 12
_MOST_CHAINS = 5

_PACKET = {
    "row": {"type": "str", "required": True},
    "hook": {"type": "str", "required": True, "choices": ["input", "output", "forward"]},
    "family": {"type": "str", "required": True, "choices": ["ipv4", "ipv6"]},
    "protocol": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "source_port": {"type": "int"},
    "destination": {"type": "str", "required": True},
    "destination_port": {"type": "int"},
}


SPEC: dict[str, t.Any] = {
    "packets": {"type": "list", "elements": "dict", "required": True, "options": _PACKET},
    "ruleset": {"type": "str", "default": ""},
    "uncertain_tables": {"type": "list", "elements": "str", "default": []},
    "firewalld": {"type": "bool", "default": False},
    "warn_drops": {"type": "bool", "default": True},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Do what the module's options say, and return its result."""
    report, unjudged, ruleset = Report(), "", Ruleset()
    try:
        report, ruleset = _report(module)
    except PlanError as e:
        module.fail_json(msg=str(e))
    except ValueError as e:
        module.fail_json(msg=f"packets: {e}; accepted: packets as the filter sample_packets returns them")
    except OSError as e:
        unjudged = str(e.strerror or e)
        module.warn(f"Whether the traffic of the port matrix comes through this host was not judged: {unjudged}.")
    translated_by = _translated_by(ruleset) if module.params["firewalld"] else []
    _warn_of_legacy_tables(module)
    _warn_of_translations(module, translated_by)
    zones = Zones(module)
    told = [{**one.as_mapping(), "advice": advice(one, ruleset) or zones.advice(one)} for one in report.drops]
    if module.params["warn_drops"]:
        _warn(module, "drops traffic that the port matrix permits", report.drops, [one["advice"] for one in told])
    _warn(module, "may drop traffic that the port matrix permits", report.possible, [])
    return {
        "changed": False,
        "drops": told,
        "possible": [{**group.as_mapping(), "advice": ""} for group in report.possible],
        "translated_by": translated_by,
        "left_out": report.left_out,
        "judged": report.judged,
        "unjudged": unjudged,
    }


def _report(module: AnsibleModule) -> tuple[Report, Ruleset]:
    packets, ruleset = module.params["packets"], module.params["ruleset"]
    if not packets:
        return Report(), Ruleset()
    nft = module.get_bin_path("nft", opt_dirs=["/usr/sbin", "/sbin"])
    if ruleset and not nft:
        raise PlanError("nft was not found on this host: install the package nftables")
    live = read_ruleset()
    if not live.tables and not ruleset:
        return Report(), live
    with contextlib.closing(Plan(module, nft, live, ruleset)) as plan:
        return judge_packets(packets, plan, read_host, module.params["uncertain_tables"]), plan.ruleset


def _translated_by(ruleset: Ruleset) -> list[str]:
    # What an administrator has firewalld translate is meant to pass it.
    chains = [chain for chain in translating_chains(ruleset) if chain[0].partition(" ")[2] != "firewalld"]
    return [f"table {table} chain {name}" for table, name in chains]


def _warn_of_translations(module: AnsibleModule, chains: list[str]) -> None:
    if chains:
        module.warn(
            f"Destinations are translated by {', '.join(chains[:_MOST_CHAINS])}"
            + (f" and {len(chains) - _MOST_CHAINS} more" if len(chains) > _MOST_CHAINS else "")
            + ". firewalld lets that traffic through before any zone or policy, so neither your zones nor the port "
            "matrix decide who reaches those hosts. Where that matters, judge it on them, or there."
        )


def _warn_of_legacy_tables(module: AnsibleModule) -> None:
    # The kernel makes such a table when somebody looks at it for the first time, so it may be empty. Only filter
    # counts: who drops packets has that, and the others come along with tools that rewrite packets.
    texts = [path.read_text(encoding="utf-8") for path in _LEGACY if path.exists()]
    names = sorted({name for text in texts for name in text.split()} & {"filter"})
    if names:
        module.warn(
            f"This host has tables of the old iptables ({', '.join(names)}), which nft does not list. "
            "Whether they drop traffic that the port matrix permits was not judged."
        )


def _warn(module: AnsibleModule, verb: str, groups: list[Group], advices: list[str]) -> None:
    for place, group in enumerate(groups[:_MOST_WARNINGS]):
        rows = ", ".join(group.rows[:_MOST_ROWS])
        more = f" and {len(group.rows) - _MOST_ROWS} more" if len(group.rows) > _MOST_ROWS else ""
        what = f". {advices[place]}" if advices and advices[place] else ""
        module.warn(f"{group.where}: {verb} (rows {rows}{more}), for example {group.example}{what}.")
    if len(groups) > _MOST_WARNINGS:
        module.warn(f"{len(groups) - _MOST_WARNINGS} more rules or policies: each {verb}.")
