# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter ``port_matrix_report``."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.filters import as_filter
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.warnings import warn
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.inventory import to_plain
from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._matrix.site_document import read_site

DOCUMENTATION = r"""
name: port_matrix_report
short_description: Render the port matrix for the people who open the ports
version_added: 1.0.0
author:
  - uc_firewall maintainers (@uc-firewall)
description:
  - Renders the rules of a site, of one host, of one gateway or between two endpoints as CSV, JSON, Markdown, HTML and
    XLSX.
  - The same site gives the same files, byte for byte. There is no date in them.
  - With an earlier report as O(baseline), it says which flows were added, removed, widened and narrowed since.
positional: _input
options:
  formats:
    description:
      - What to render. V(csv) also has a file with one source and one destination a line, and with O(baseline) one with
        what changed.
      - V(svg) and V(mermaid) are the drawing of the site.
      - V(xlsx) is a workbook for spreadsheets. It needs the Python library C(XlsxWriter) on the controller.
    type: list
    elements: str
    choices: [csv, json, markdown, html, svg, mermaid, xlsx]
    default: [csv, json, markdown, html, svg, mermaid]
  scope:
    description:
      - V(site) is every permitted flow.
      - V(host:NAME) is what must be open on one server, in the addresses that it has and sees itself.
      - V(gateway:NAME) is the whole matrix in the addresses that this gateway sees. It must be one of O(gateways).
      - V(pair:ENDPOINT:ENDPOINT) is what goes between two endpoints, in both directions.
    type: str
    default: site
  title:
    description: The heading of the Markdown and HTML report.
    type: str
    default: Port matrix
  baseline:
    description: The JSON of an earlier report with the same scope, as text or parsed.
    type: raw
  verification:
    description: The JSON that a verification wrote, as text or parsed, for a section of the HTML report.
    type: raw
  observed:
    description:
      - The C(observed.json) of the role P(uc_firewall.pexip_sfb.port_matrix_observed#role), as text or parsed, for a
        section of the HTML report. What the flows of the report permit by now is left out of it.
    type: raw
    version_added: 1.1.0
  change_request:
    description:
      - What a change request has besides the flows, with the keys C(ticket), C(requester), C(owner), C(approver),
        C(valid_from), C(valid_until), C(reason), C(risk), C(test_plan) and C(backout_plan), none of which is required.
      - The two days are written V(2027-03-31). The last four texts may have several lines, or be lists of lines.
    type: dict
    default: {}
  platforms:
    description:
      - Other firewalls to write configuration for. The Python library C(aerleon) writes it on the controller, but for
        V(azure_nsg). Without that there is only what it would be made from, and a warning.
      - What cannot be written for one of them is a warning, and not in its file.
    type: list
    elements: str
    choices: [arista, azure_nsg, cisco, ciscoasa, cisconx, ciscoxr, fortigate, juniper, junipersrx, nftables,
      openconfig, paloalto, proxmox]
    default: []
  platform_options:
    description:
      - Platform to its options, C(name) of the access list, filter or group, or C(from_zone) and C(to_zone).
    type: dict
    default: {}
  gateways:
    description: The hosts that O(scope) may name as gateway.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - uc_firewall.pexip_sfb.site
"""

EXAMPLES = r"""
- name: Show the port matrix as Markdown
  ansible.builtin.debug:
    msg: "{{ (port_matrix_site | uc_firewall.pexip_sfb.port_matrix_report(formats=['markdown'])).files[0].content }}"

- name: What must be open on one server
  ansible.builtin.debug:
    msg: "{{ (port_matrix_site | uc_firewall.pexip_sfb.port_matrix_report(scope='host:fe1')).text }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    files:
      description: The files, each with C(name) and C(content), and C(encoding) where that is V(base64).
      type: list
      elements: dict
    outdated:
      description: Names of files that an earlier report may have left, and that have no place next to this one.
      type: list
      elements: str
    revision:
      description: A digest of the flows. Two reports with the same one permit the same.
      type: str
    changes:
      description:
        - C(baseline_revision), and the rules that were C(added), C(removed), C(widened) and C(narrowed). Of the latter
          two only the part that is new or gone. None without O(baseline).
      type: dict
    text:
      description: A summary and the changes, as lines for a screen.
      type: list
      elements: str
"""


@as_filter("port_matrix_report")
def port_matrix_report(
    site: object,
    formats: object = ("csv", "json", "markdown", "html", "svg", "mermaid"),
    scope: object = "site",
    title: object = "Port matrix",
    baseline: object = None,
    verification: object = None,
    gateways: object = (),
    change_request: object = None,
    platforms: object = (),
    platform_options: object = None,
    observed: object = None,
) -> dict[str, t.Any]:
    """Return the files of the report, and what to say about it.

    :raises AnsibleFilterError: if an input is not what it should be.
    """
    # Each play loads this file, and few write a report. What does that, aerleon above all, takes a while to load.
    from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._report.files import render_report

    rendered = render_report(
        read_site(to_plain(site)),
        to_plain(formats),
        to_plain(scope),
        to_plain(title),
        to_plain(baseline),
        to_plain(verification),
        to_plain(gateways),
        to_plain(change_request),
        to_plain(platforms),
        to_plain(platform_options),
        to_plain(observed),
    )
    warn(rendered.warnings)
    return rendered.as_mapping()


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return filter name → function."""
        return {"port_matrix_report": port_matrix_report}
