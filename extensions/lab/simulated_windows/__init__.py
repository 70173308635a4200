# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows host for tests: its firewall as the module's source and Microsoft's documents describe it.

No Windows and no PowerShell is involved, so it proves nothing about either. It proves what the controller does.
"""
