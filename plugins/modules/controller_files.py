#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action ``controller_files``; there is no module."""

from __future__ import annotations

DOCUMENTATION = r"""
module: controller_files
short_description: Files in a directory of the controller, written in one task
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - The reports and results of this collection are texts that the controller has already. This action writes them
    there, as whoever runs Ansible, whatever the task says about hosts and becoming somebody.
  - A file is there as a whole or as it was before, also where the disk is full.
options:
  directory:
    description:
      - The directory, by its absolute path. One that is there is left as it is, with its mode and owner.
      - One that is not there is made, with those above it, for those to enter who may read the files by O(mode).
    type: path
    required: true
  files:
    description: The files. Others in the directory are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file within the directory.
        type: str
        required: true
      content:
        description: All of its text.
        type: str
        required: true
      encoding:
        description: Whether O(files[].content) is the text itself, or what is in the file as base64.
        type: str
        choices: [text, base64]
        default: text
  absent:
    description: Names of files that are removed from the directory.
    type: list
    elements: str
    default: []
  mode:
    description:
      - Mode of the files, as four octal digits in quotes. A file that is there gets it, too.
      - They say who may talk to whom, so by default others on the controller cannot read them.
    type: str
    default: "0640"
attributes:
  action:
    support: full
  async:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    details: Returns each file before and after, unless it is larger than Ansible shows (C(MAX_FILE_SIZE_FOR_DIFF)).
    support: full
  platform:
    details: The controller, whatever the host is.
    support: full
    platforms: all
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.flow
"""

EXAMPLES = r"""
- name: Write the port matrix for the people who own the firewalls
  uc_firewall.pexip_sfb.controller_files:
    directory: "{{ playbook_dir }}/handed-over"
    files:
      - name: port-matrix.csv
        content: "{{ (port_matrix_site | uc_firewall.pexip_sfb.port_matrix_report(formats=['csv'])).files[0].content }}"
  run_once: true
"""

RETURN = r"""
written:
  description: Names of the files that were not there, or had other text or another mode.
  returned: success
  type: list
  elements: str
  sample: [port-matrix.csv]
removed:
  description: Names of the files that were there and are to be absent.
  returned: success
  type: list
  elements: str
  sample: []
"""
