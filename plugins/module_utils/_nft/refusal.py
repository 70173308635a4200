# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nft says where it fails, and what to do where that does not tell."""

from __future__ import annotations

import errno
import os
import socket

TOO_LONG = os.strerror(errno.EMSGSIZE)


def explained(error: str) -> str:
    """Return what nft wrote, and the limit and the way out where the kernel took no message of that length.

    nft raises the buffer of its socket with SO_SNDBUFFORCE, which takes CAP_NET_ADMIN on the machine and not only in
    its user namespace. Where it may not, the size that every socket begins with is the limit (nftables, src/mnl.c,
    ``mnl_set_sndbuffer``).
    """
    text = error.strip()
    if TOO_LONG not in text:
        return text
    with socket.socket(socket.AF_UNIX) as any_socket:
        limit = any_socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    return (
        f"{text}. All rules go to the kernel at once, and here it takes no more than {limit} bytes, which nft cannot "
        "raise in a container that is not privileged. Set net.core.wmem_default higher on the machine that runs the "
        "container, say to 8388608, or write the addresses as fewer and larger networks"
    )
