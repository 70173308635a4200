# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same permissions as a policy for aerleon, in the files that its command ``aclgen`` reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.expand import expand_site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site import Site
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._rules.canonical import Rule
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._values.ports import format_ports

HEADER = 'header {\n  comment:: "Port matrix"\n  target:: nftables inet forward\n}\n'
OUTPUT = "matrix.nft"


def write_policy(site: Site, directory: Path) -> list[str]:
    """Write definitions and policy below *directory*; return the arguments of ``aclgen``, which writes ``OUTPUT``."""
    rules = expand_site(site)
    definitions, policies = directory / "def", directory / "policies" / "pol"
    definitions.mkdir(parents=True)
    policies.mkdir(parents=True)
    (definitions / "networks.net").write_text("".join(_networks(site)), encoding="utf-8")
    (definitions / "services.svc").write_text("".join(sorted(set(_services(rules)))), encoding="utf-8")
    terms = "".join(_term(number, rule) for number, rule in enumerate(rules))
    (policies / "matrix.pol").write_text(HEADER + terms, encoding="utf-8")
    return [
        f"--base_directory={policies.parent}",
        f"--definitions_directory={definitions}",
        f"--output_directory={directory}",
    ]


def _networks(site: Site) -> Iterator[str]:
    for name in site.endpoints:
        cidrs = site.side((name,)).seen().cidrs("ipv4")
        yield f"{name.upper()} = {cidrs[0]}\n" + "".join(f"    {cidr}\n" for cidr in cidrs[1:])


def _services(rules: list[Rule]) -> Iterator[str]:
    for rule in rules:
        for ports in (rule.source_ports, rule.destination_ports):
            if names := format_ports(ports):
                yield f"{_service(names, rule.protocol)} = {' '.join(f'{one}/{rule.protocol}' for one in names)}\n"


def _service(ports: list[str], protocol: str) -> str:
    return f"P{'_'.join(ports).replace('-', 'TO')}_{protocol.upper()}"


def _term(number: int, rule: Rule) -> str:
    lines = [
        f"source-address:: {' '.join(name.upper() for name in rule.source_endpoint)}",
        f"destination-address:: {' '.join(name.upper() for name in rule.destination_endpoint)}",
        f"protocol:: {rule.protocol}",
    ]
    for key, ports in (("source-port", rule.source_ports), ("destination-port", rule.destination_ports)):
        if names := format_ports(ports):
            lines.append(f"{key}:: {_service(names, rule.protocol)}")
    body = "".join(f"  {line}\n" for line in (*lines, "action:: accept"))
    return f"term {rule.row.replace('_', '-')}-{number} {{\n{body}}}\n"
