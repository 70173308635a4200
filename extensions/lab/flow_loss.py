# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts lost packets of new flows through a transit firewall; runs inside two lab hosts, with the standard library.

``flow_loss.py receive SECONDS`` prints how many packets arrived; ``flow_loss.py send ADDRESS SECONDS`` sends 1,000
packets a second, each a new flow that the row media_from_nodes permits, and prints how many it sent.
"""

from __future__ import annotations

import socket
import sys
import time

RATE = 1000
MARK = b"pexip_sfb flow "


def send(address: str, seconds: float) -> int:
    """Send until *seconds* are over: source ports 40000-49999, and another destination port for each round of them."""
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < seconds:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flow:
            flow.bind(("", 40000 + number % 10000))
            flow.sendto(MARK + str(number).encode(), (address, 20000 + number // 10000))
        number += 1
        time.sleep(max(0.0, started + number / RATE - time.monotonic()))
    return number


def receive(seconds: float) -> int:
    """Count different packets of :func:`send` until *seconds* are over."""
    seen: set[bytes] = set()
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**22)
        listener.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                packet = listener.recv(2048)
            except TimeoutError:
                continue
            _before, mark, number = packet.partition(MARK)
            if mark:
                seen.add(number)
    return len(seen)


if __name__ == "__main__":
    if sys.argv[1] == "send":
        print(send(sys.argv[2], float(sys.argv[3])))
    else:
        print(receive(float(sys.argv[2])))
