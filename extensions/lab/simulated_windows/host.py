# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated host: its state in a JSON file, a log of its calls, and the ways in which it misbehaves."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from simulated_windows import probe_module, rule_module, state_module
from simulated_windows.com import ComError, FirewallRule, RuleCollection
from simulated_windows.documented import checked_arguments

_RULE_MODULE = "community.windows.win_firewall_rule"
_OUT_OF_THE_BOX: tuple[dict[str, t.Any], ...] = (
    {
        "Name": "Windows Remote Management (HTTP-In)",
        "Grouping": "Windows Remote Management",
        "Enabled": True,
        "Protocol": 6,
        "LocalPorts": "5985",
        "RemotePorts": "*",
    },
    {
        "Name": "CS RTCMEDSRV",
        "Grouping": "Skype for Business Server",
        "Enabled": True,
        "ApplicationName": r"C:\Program Files\Skype for Business Server 2015\Mediation Server\MediationServerSvc.exe",
    },
    # Named like ours, in no group: not ours.
    {"Name": "Pexip SfB reverse proxy", "Enabled": True, "Protocol": 6, "LocalPorts": "443", "RemotePorts": "*"},
)


class ConnectionLostError(Exception):
    """The connection broke; what the host did before that stays done."""


class SimulatedHost:
    """A host in a directory.

    Keys of its state: ``rules`` (COM properties), ``profiles`` (as win_firewall_state returns them), ``refuse`` (rule
    name → property that COM refuses to write), ``lose_connection_at`` (number of the win_firewall_rule call, from 1,
    whose answer is lost; nothing gets through after it while ``is_lost`` is true), ``network`` (what win_port_probe
    finds at "address port", where that is not open), ``taken_ports`` (source ports that another program has).
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._state_file = directory / f"{name}.json"
        self._log_file = directory / f"{name}.calls.jsonl"
        directory.mkdir(parents=True, exist_ok=True)
        if self._state_file.exists():
            self.state: dict[str, t.Any] = json.loads(self._state_file.read_text(encoding="utf-8"))
        else:
            self.state = {"rules": list(_OUT_OF_THE_BOX), "profiles": _profiles(), "refuse": {}}
        self.rules = [FirewallRule(properties) for properties in self.state["rules"]]

    def save(self) -> None:
        """Keep the state."""
        self.state["rules"] = [rule.as_mapping() for rule in self.rules]
        self._state_file.write_text(json.dumps(self.state, indent=1), encoding="utf-8")

    def calls(self, module: str | None = None) -> list[dict[str, t.Any]]:
        """The log: each call with its ``module``, ``arguments``, ``check_mode`` and ``changed``, oldest first."""
        if not self._log_file.exists():
            return []
        found = [json.loads(line) for line in self._log_file.read_text(encoding="utf-8").splitlines()]
        return [call for call in found if module in (None, call["module"])]

    def run(self, module: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run a module as Ansible sends it.

        :raises ConnectionLostError: where the state says so.
        :raises NotImplementedError: for a module that has no stand-in.
        """
        if self.state.get("is_lost"):
            raise ConnectionLostError("the simulated connection is lost")
        check_mode, diff = (bool(arguments.get(f"_ansible_{name}")) for name in ("check_mode", "diff"))
        given = {name: value for name, value in arguments.items() if not name.startswith("_ansible_")}
        if module.endswith("setup"):
            result: dict[str, t.Any] = {"ansible_facts": {"ansible_os_family": "Windows"}, "changed": False}
        else:
            read = rule_module.as_the_host_reads_them(given) if module == _RULE_MODULE else given
            checked, problem = checked_arguments(module, read)
            result = {"failed": True, "msg": problem} if problem else self._run(module, checked, check_mode, diff)
        self._log(module, given, check_mode, result)
        self.state["is_lost"] = self._is_lost_now(module)
        self.save()
        if self.state["is_lost"]:
            raise ConnectionLostError("the simulated connection was lost")
        return result

    def _run(self, module: str, arguments: dict[str, t.Any], check_mode: bool, diff: bool) -> dict[str, t.Any]:
        collection = RuleCollection(self.rules)
        if module == _RULE_MODULE:
            return rule_module.run(arguments, collection, check_mode, diff, self._refuse)
        if module == "uc_firewall.pexip_sfb.win_firewall_state":
            return state_module.run(arguments, collection, self.state["profiles"])
        if module == "uc_firewall.pexip_sfb.win_port_probe":
            return probe_module.run(arguments, self.state.get("network", {}), self.state.get("taken_ports", ()))
        raise NotImplementedError(f"the simulated Windows host has no stand-in for {module}")

    def _refuse(self, rule: str, written: str) -> None:
        if self.state.get("refuse", {}).get(rule) == written:
            raise ComError("Exception from HRESULT: 0x800706D9")

    def _is_lost_now(self, module: str) -> bool:
        number = self.state.get("lose_connection_at")
        return number is not None and module == _RULE_MODULE and len(self.calls(module)) == number

    def _log(self, module: str, arguments: dict[str, t.Any], check_mode: bool, result: dict[str, t.Any]) -> None:
        call = {"module": module, "arguments": arguments, "check_mode": check_mode, "changed": result.get("changed")}
        with self._log_file.open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(call)}\n")


def _profiles() -> list[dict[str, t.Any]]:
    """The three profiles as a server has them where nobody changed them."""
    return [
        {
            "name": name,
            "active": name != "private",
            "enabled": True,
            "local_rules_apply": True,
            "inbound_blocked": False,
            "default_inbound": "block",
            "default_outbound": "allow",
        }
        for name in ("domain", "private", "public")
    ]
