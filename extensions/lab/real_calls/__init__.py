# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of real telephones through the demo's firewall: baresip on a client, a Front End and a Conferencing Node."""
