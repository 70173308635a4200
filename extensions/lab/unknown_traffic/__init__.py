# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traffic that the site lacks, sent through a firewall of the lab: which of it arrives at a Conferencing Node."""
