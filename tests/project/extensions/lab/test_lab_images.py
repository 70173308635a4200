# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the lab's images."""

from __future__ import annotations

from filter_plugins.lab_images import lab_images

ADDITIONS = {"more": {"packages": ["docker.io"]}}


def test_the_tag_follows_from_the_content() -> None:
    images = lab_images(["plain"], "lab", ["nftables", "systemd"], ADDITIONS)
    assert images["plain"].startswith("lab-plain:")
    assert images == lab_images(["plain"], "lab", ["nftables", "systemd"], {})
    assert images != lab_images(["plain"], "lab", ["nftables"], ADDITIONS)


def test_additions_give_their_own_image_another_tag_only() -> None:
    before = lab_images(["plain", "more"], "lab", ["nftables"], ADDITIONS)
    after = lab_images(["plain", "more"], "lab", ["nftables"], {"more": {"packages": ["fail2ban"]}})
    assert before["plain"] == after["plain"]
    assert before["more"] != after["more"]
    assert before["more"].split(":")[1] != before["plain"].split(":")[1]
