#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``port_probe``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_probe
short_description: Probe ports of other hosts from permitted source ports
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Sends each probe from the host that the task runs on, bound to a source address and a source port that the port
    matrix permits, and tells what answered, what refused, and where there was silence.
  - Probing changes nothing, neither on this host nor on the others. So it runs in check mode, too.
  - On a Windows host the action of this name runs M(uc_firewall.pexip_sfb.win_port_probe) with the same options.
options:
  probes:
    description: The probes.
    type: list
    elements: dict
    required: true
    suboptions:
      probe:
        description:
          - V(tcp_connect) connects.
          - V(tls) connects and shakes hands, to report the certificate. It is not verified.
          - V(stun) sends a STUN binding request over UDP.
          - V(responder) asks a responder of M(uc_firewall.pexip_sfb.port_responder), over TCP or UDP.
        type: str
        choices: [tcp_connect, tls, stun, responder]
        required: true
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp]
        required: true
      source:
        description: An address of this host to probe from.
        type: str
        required: true
      source_ports:
        description: Ports and ranges to probe from, of which some are tried until one is free. Empty is any port.
        type: list
        elements: str
        default: []
      destination:
        description: The address to probe.
        type: str
        required: true
      destination_port:
        description: The port to probe.
        type: int
        required: true
      destination_host:
        description: What the destination is called in lines that show the progress.
        type: str
      source_host:
        description: What this host is called. Has no effect.
        type: str
      row:
        description: The row that permits the probe, for lines that show the progress.
        type: str
      family:
        description: V(ipv4) or V(ipv6). Has no effect, as the addresses say it.
        type: str
      token:
        description: What the responder waits for. Needed if O(probes[].probe=responder).
        type: str
  batch:
    description:
      - How many probes are made at the same time. A line is shown for each batch, which says what is being probed and
        how many are left.
    type: int
    default: 40
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.probe
"""

EXAMPLES = r"""
- name: Is SIP open from the Front End to a Conferencing Node?
  uc_firewall.pexip_sfb.port_probe:
    probes:
      - {probe: tcp_connect, protocol: tcp, source: 198.51.100.21, destination: 192.0.2.11, destination_port: 5061}

- name: And the TURN server from a media port?
  uc_firewall.pexip_sfb.port_probe:
    probes:
      - probe: stun
        protocol: udp
        source: 192.0.2.11
        source_ports: [40000-49999]
        destination: 198.51.100.41
        destination_port: 3478
"""

RETURN = r"""
answers:
  description: One for each of O(probes), in their order.
  returned: success
  type: list
  elements: dict
  sample:
    - verdict: open
      detail: connected
      source: 198.51.100.21
      source_port: 51234
      certificate: null
  contains:
    verdict:
      description:
        - V(open) if the destination answered, V(refused) after a TCP reset or an ICMP error that says so, V(filtered)
          after silence, V(error) if the probe could not be sent, or what came back proves nothing.
      type: str
    detail:
      description: Who answered what.
      type: str
    source:
      description: The address that the probe was sent from.
      type: str
    source_port:
      description: The port that it was sent from.
      type: int
    certificate:
      description: With O(probes[].probe=tls), the C(names) of the certificate and when it C(expires).
      type: dict
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.probe import probe, source_ports

PROBE_SPEC = {
    "probe": {"type": "str", "choices": ["tcp_connect", "tls", "stun", "responder"], "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
    "source": {"type": "str", "required": True},
    "source_ports": {"type": "list", "elements": "str", "default": []},
    "destination": {"type": "str", "required": True},
    "destination_port": {"type": "int", "required": True},
    "destination_host": {"type": "str"},
    "source_host": {"type": "str"},
    "row": {"type": "str"},
    "family": {"type": "str"},
    "token": {"type": "str", "no_log": False},  # worth nothing when its responder has ended, seconds later
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "probes": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": PROBE_SPEC,
                "required_if": [("probe", "responder", ["token"])],
            },
            "timeout": {"type": "float", "default": 3.0},
            "batch": {"type": "int", "default": 40},
        },
        supports_check_mode=True,
    )
    orders, timeout, batch = (module.params[name] for name in ("probes", "timeout", "batch"))
    if batch < 1 or timeout <= 0:
        module.fail_json(msg="batch and timeout must be above 0")
    for order in orders:
        if order["probe"] == "stun" and order["protocol"] == "tcp":
            module.fail_json(msg="a STUN binding request goes over UDP; accepted: protocol udp")
        try:
            list(source_ports(order["source_ports"]))
        except ValueError:
            module.fail_json(
                msg=f"source_ports: {order['source_ports']!r} are not ports; accepted: a port or first-last"
            )
    with ThreadPoolExecutor(max_workers=batch) as executor:
        answers = list(executor.map(lambda order: asdict(probe(order, timeout)), orders))
    module.exit_json(changed=False, answers=answers)


if __name__ == "__main__":
    main()
