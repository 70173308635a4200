# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a STUN server (RFC 8489, binding request) from one source port; says whether it answered.

Where an answer is expected it waits for it, and asks once. Silence is what three questions in a second and a half show.
"""

import os
import socket
import sys

server, source_port, expected = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.bind(("", source_port))
    client.settimeout(60 if expected == "answered" else 0.5)
    for _ in range(3):
        client.sendto(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + os.urandom(12), (server, 3478))
        try:
            client.recv(1500)
        except TimeoutError:
            continue
        print("answered")
        break
    else:
        print("silent")
