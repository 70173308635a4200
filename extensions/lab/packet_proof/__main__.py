# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m packet_proof``: exit code 0 if the port table is proven, 1 if not, 2 if it cannot be tried."""

from __future__ import annotations

import argparse
import json
import sys
import typing as t
from collections.abc import Sequence
from pathlib import Path

from packet_proof.crew import PodmanCrew
from packet_proof.lab import build_lab
from packet_proof.plan import make_plan
from packet_proof.run import Run
from packet_proof.site import SiteError, site_from_inventory
from packet_proof.table import as_data, as_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Plans, runs and prints a proof."""
    options = _parse(arguments)
    try:
        inventory = json.loads(options.inventory_json.read_text("utf-8"))
        variables = dict(options.set)
        if options.variables:
            variables |= json.loads(options.variables.read_text("utf-8"))
        if options.strict:
            variables["port_matrix_strict_clients"] = True
        site = site_from_inventory(inventory, variables)
        lab = build_lab(inventory, site)
        plan = make_plan(site, lab, options.row)
    except (OSError, SiteError, json.JSONDecodeError) as error:
        return _refuse(str(error))
    if plan.errors:
        return _refuse("this cannot be proven in this lab:\n  " + "\n  ".join(plan.errors))
    used = {name: None for probe in plan.probes for name in (probe.sender, probe.destination.container)}
    used |= {name: None for probe in plan.probes for name in probe.judges}
    used |= {control.source.container: None for controls in plan.controls.values() for control in controls}
    _progress(f"{len(plan.probes)} probes planned; starting agents in {len(used)} containers")
    try:
        with PodmanCrew(options.containers_prefix, used, plan.protocols()) as crew:
            for container, reason in crew.dead.items():
                _progress(f"no agent in {container}: {reason}")
            result = Run(plan, lab, crew, _progress).prove()
    except FileNotFoundError as error:
        return _refuse(f"{error.filename} is missing; the lab's hosts are podman containers (apt-get install podman)")
    sys.stdout.write(as_text(plan, result))
    if options.json:
        options.json.write_text(json.dumps(as_data(plan, result), indent=2) + "\n", "utf-8")
    return 0 if result.proven else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m packet_proof", description=__doc__)
    parser.add_argument(
        "--inventory-json", type=Path, required=True, metavar="FILE", help="output of ansible-inventory --list"
    )
    parser.add_argument("--containers-prefix", required=True, help="what comes before a host's name in its container's")
    parser.add_argument("--strict", action="store_true", help="expect the rows for clients behind strict firewalls")
    parser.add_argument(
        "--row", action="append", default=[], metavar="ID", help="prove this row only, in a lab without the other hosts"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result as JSON, too")
    parser.add_argument(
        "--set",
        type=_variable,
        action="append",
        default=[],
        metavar="NAME=JSON",
        help="a site variable that the inventory does not hold, such as port_matrix_ports='{\"sip\": 5062}'",
    )
    parser.add_argument("--variables", type=Path, metavar="FILE", help="a JSON file of such variables")
    return parser.parse_args(arguments)


def _variable(text: str) -> tuple[str, t.Any]:
    name, _dummy, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=JSON: {error}") from error


def _progress(text: str) -> None:
    print(f"packet_proof: {text}", file=sys.stderr, flush=True)


def _refuse(reason: str) -> int:
    _progress(reason)
    return 2


if __name__ == "__main__":
    sys.exit(main())
