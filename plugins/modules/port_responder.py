#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module ``port_responder``."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_responder
short_description: Listen on ports for some seconds, and answer probes only
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Starts a process that listens on ports where nobody listens without a call, so that probes can prove that these
    ports are reached. It answers a random token that M(uc_firewall.pexip_sfb.port_probe) knows, with as many bytes, and
    nothing else.
  - The process ends after O(seconds), whether the play goes on or has died. The kernel does that. It leaves no file
    and no unit.
  - A port that something else uses is left alone, and another of the range is taken.
options:
  state:
    description: V(started) starts a process, V(stopped) ends the one that was started.
    type: str
    choices: [started, stopped]
    default: started
  listen:
    description: What to listen on. Needed if O(state=started).
    type: list
    elements: dict
    suboptions:
      id:
        description: What the result calls it.
        type: str
        required: true
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp]
        required: true
      addresses:
        description: Addresses of this host.
        type: list
        elements: str
        required: true
      port:
        description: The port that is wanted.
        type: int
        required: true
      first:
        description: The first port that may be taken instead.
        type: int
        required: true
      last:
        description: The last port that may be taken instead.
        type: int
        required: true
  seconds:
    description: Seconds after which the process ends on its own, at most 600.
    type: int
    default: 60
  process:
    description: What this module returned as RV(process) when it started one. Needed if O(state=stopped).
    type: dict
attributes:
  check_mode:
    support: full
    details: Nothing is started or ended in check mode.
  diff_mode:
    support: none
    details: Nothing changes that lasts.
  platform:
    support: full
    platforms: linux
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
requirements:
  - Linux
  - root, for ports below 1024
"""

EXAMPLES = r"""
- name: Listen on a media port
  uc_firewall.pexip_sfb.port_responder:
    listen:
      - {id: media, protocol: udp, addresses: [198.51.100.21], port: 50000, first: 50000, last: 59999}
    seconds: 30
  register: responder

- name: And end that
  uc_firewall.pexip_sfb.port_responder:
    state: stopped
    process: "{{ responder.process }}"
"""

RETURN = r"""
listening:
  description: The id of each item of O(listen) to its C(port), or to the C(problem) that kept it from listening.
  returned: if O(state=started)
  type: dict
  sample: {"media": {"port": 50000}}
token:
  description: What a probe has to say to get an answer.
  returned: if O(state=started)
  type: str
process:
  description: The process, by its C(pid) and its C(start) in ticks since the boot; empty where none was needed.
  returned: if O(state=started)
  type: dict
  sample: {"pid": 4711, "start": 123456}
was_running:
  description: Whether the process was still there. If not, it had ended by itself.
  returned: if O(state=stopped)
  type: bool
"""

import contextlib
import errno
import socket
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.icmp import os_error
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_process import (
    Process,
    start_responder,
)
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.responder_token import new_token

_LONGEST = 600
_PORTS_TRIED = 20


def listen_on(protocol: str, addresses: list[str], port: int) -> list[socket.socket]:
    """Listen on *port* of all *addresses*.

    :raises OSError: if one cannot be had; then none is kept.
    """
    with contextlib.ExitStack() as stack:
        sockets = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            sock = stack.enter_context(socket.socket(family, kind))
            if protocol == "tcp":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # over what is left of closed connections
            sock.bind((address, port))
            if protocol == "tcp":
                sock.listen(500)  # as many as are held open
            sockets.append(sock)
        stack.pop_all()
        return sockets


def listen_near(wanted: dict[str, t.Any]) -> tuple[list[socket.socket], dict[str, t.Any]]:
    """Listen on the wanted port, or on another of its range; return the sockets, and what to say of it."""
    ports = [wanted["port"], *range(wanted["port"] + 1, wanted["last"] + 1)][:_PORTS_TRIED]
    ports += list(range(wanted["port"] - 1, wanted["first"] - 1, -1))[: _PORTS_TRIED - len(ports)]
    problem = ""
    for port in ports:
        sockets, number = _tried(wanted["protocol"], wanted["addresses"], port)
        if sockets:
            return sockets, {"port": port}
        problem = f"port {port}: {os_error(number)}"
        if number != errno.EADDRINUSE:
            break
    return [], {"problem": problem}


def _tried(protocol: str, addresses: list[str], port: int) -> tuple[list[socket.socket], int]:
    try:
        return listen_on(protocol, addresses, port), 0
    except OSError as e:
        return [], e.errno or 0


def started(module: AnsibleModule) -> dict[str, t.Any]:
    """Start a process, and return what the module returns."""
    token = new_token()
    sockets: list[socket.socket] = []
    listening = {}
    for wanted in module.params["listen"]:
        found, listening[wanted["id"]] = listen_near(wanted)
        sockets += found
    process = start_responder(sockets, token, module.params["seconds"])._asdict() if sockets else {}
    return {"listening": listening, "token": token, "process": process}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "listen": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "id": {"type": "str", "required": True},
                    "protocol": {"type": "str", "choices": ["tcp", "udp"], "required": True},
                    "addresses": {"type": "list", "elements": "str", "required": True},
                    "port": {"type": "int", "required": True},
                    "first": {"type": "int", "required": True},
                    "last": {"type": "int", "required": True},
                },
            },
            "seconds": {"type": "int", "default": 60},
            "process": {"type": "dict"},
        },
        required_if=[("state", "started", ["listen"]), ("state", "stopped", ["process"])],
        supports_check_mode=True,
    )
    if not 1 <= module.params["seconds"] <= _LONGEST:
        module.fail_json(msg=f"seconds: {module.params['seconds']} is not between 1 and {_LONGEST}")
    if module.check_mode:
        module.exit_json(changed=False, msg="check mode starts no responder")
    if module.params["state"] == "started":
        module.exit_json(changed=False, **started(module))
    process = module.params["process"]
    running = bool(process) and Process(int(process["pid"]), int(process["start"])).end()
    module.exit_json(changed=False, was_running=running)


if __name__ == "__main__":
    main()
