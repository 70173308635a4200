# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation that modules share whose change has to be confirmed."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of confirm or go back, and those with which the action plugin drives the module."""

    DOCUMENTATION = r"""
options:
  confirm_timeout:
    description:
      - Seconds after which the host takes the change back by itself, unless it is confirmed over a new connection.
        The action plugin of this module resets the connection and confirms.
      - What the next boot loads is written when the change is confirmed, and not before.
      - The host needs systemd for it. V(0) changes the host for good at once; otherwise it is 10 to 3600 seconds.
    type: int
    default: 0
  confirm_checks:
    description:
      - TCP connections that must work before the change, or nothing is changed, and after it, or it is taken back.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Host to connect to, a name or an address.
        type: str
        required: true
      port:
        description: TCP port to connect to.
        type: int
        required: true
      from:
        description:
          - Who connects, the host that is changed or the controller.
          - V(target) tries what the rules say of traffic from the host itself.
          - V(controller) tries what they say of traffic to it, or of traffic that passes it on its way to C(host).
        type: str
        choices: [target, controller]
        default: target
  step:
    description: For the action plugin. What is asked of the module.
    type: str
    choices: [look, apply, confirm, take_back, outcome]
    default: apply
  change_id:
    description: For the action plugin. Which change is meant.
    type: str
    default: ""
  over_ssh:
    description: For the action plugin. Whether connections are of SSH, so that an old one can be told from a new one.
    type: bool
    default: false
"""
