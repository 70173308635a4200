# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which chains of a ruleset translate destinations."""

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.expressions import extension
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.netlink import number
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._ruleset_copy.ruleset import Expression, Ruleset

_TYPE, _DESTINATION = 1, 1  # NFTA_NAT_TYPE, NFT_NAT_DNAT


def _translates(expression: Expression) -> bool:
    if expression.name == "nat":
        return number(expression.attributes().get(_TYPE)) == _DESTINATION
    return expression.name == "target" and extension(expression) == "DNAT"


def translating_chains(ruleset: Ruleset) -> list[tuple[str, str]]:
    """Return the chains that translate destinations to those of other hosts, each as its table and its name."""
    found = [(rule.table, rule.chain) for rule in ruleset.rules if any(map(_translates, rule.expressions))]
    return list(dict.fromkeys(found))
