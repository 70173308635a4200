# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m flow_loss``: exit code 0 if nothing is lost that must not be, 1 if it is, 2 if there is no measure."""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from packet_proof.lab import build_lab
from packet_proof.site import SiteError, site_from_inventory
from real_calls.calls import CallError, Calls

from flow_loss import scenarios
from flow_loss.crew import Traffic, TrafficError
from flow_loss.doors import Firewall
from flow_loss.judge import Verdict
from flow_loss.traffic import FIREWALL, orders


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all of one back end."""
    options = _parse(arguments)
    try:
        inventory = json.loads(options.inventory_json.read_text("utf-8"))
        lab = build_lab(inventory, site_from_inventory(inventory, {}))
    except (OSError, SiteError, json.JSONDecodeError) as error:
        return _refuse(str(error))
    firewall = Firewall(f"{options.containers_prefix}{FIREWALL}")
    measurements = itertools.count()
    try:
        calls = Calls(options.containers_prefix, lab)
    except CallError as error:
        return _refuse(str(error))
    site = scenarios.Site(
        options.backend,
        options.ansible,
        options.log,
        firewall,
        lambda: Traffic(options.containers_prefix, orders(lab, next(measurements)), firewall),
        calls,
    )
    measure = {"nftables": scenarios.nftables, "firewalld": scenarios.firewalld}[options.backend]
    verdict = Verdict()
    try:
        measure(site, verdict)
    except scenarios.LoadError as error:
        return _refuse(str(error))
    except CallError as error:
        return _refuse(f"the calls do not work: {error}")
    except TrafficError as error:
        return _refuse(f"the traffic does not flow: {error}")
    except subprocess.CalledProcessError as error:
        return _refuse(f"{' '.join(error.cmd)} failed: {error.stderr}")
    for objection in verdict.wrong:
        print(objection)
    print(f"{verdict.lost} packets lost of {verdict.packets}, where none may be lost")
    return 1 if verdict.wrong else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m flow_loss", description=__doc__)
    parser.add_argument("--backend", choices=("nftables", "firewalld"), required=True)
    parser.add_argument(
        "--inventory-json", type=Path, required=True, metavar="FILE", help="output of ansible-inventory --list"
    )
    parser.add_argument("--containers-prefix", required=True, help="what comes before a host's name in its container's")
    parser.add_argument("--log", type=Path, required=True, metavar="OUT", help="what ansible-playbook says, each time")
    parser.add_argument("ansible", nargs="*", help="after --: arguments that tell ansible-playbook about the lab")
    return parser.parse_args(arguments)


def _refuse(reason: str) -> int:
    print(f"flow_loss: {reason}", file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
