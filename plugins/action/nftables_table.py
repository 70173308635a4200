# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module ``nftables_table``, which documents both."""

from __future__ import annotations

from ansible_collections.uc_firewall.pexip_sfb.plugins.plugin_utils._glue.confirmation import ConfirmedAction


class ActionModule(ConfirmedAction):
    """Runs the module and confirms its change over a new connection."""
