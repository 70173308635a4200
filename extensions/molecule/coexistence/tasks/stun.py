# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a STUN server (RFC 8489, binding request) from one source port, up to three times; says whether it answered."""

import os
import socket
import sys

server, source_port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.bind(("", source_port))
    client.settimeout(0.5)
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
