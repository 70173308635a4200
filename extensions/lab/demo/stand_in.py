#!/usr/bin/python3
"""Accepts connections at the TCP ports that are its arguments, on every address, and closes them: a stand-in for servers."""

from __future__ import annotations

import selectors
import socket
import sys


def main() -> None:
    """Serve until somebody ends it."""
    selector = selectors.DefaultSelector()
    for port in sys.argv[1:]:
        server = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
        selector.register(server, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            connection, _peer = key.fileobj.accept()  # type: ignore[union-attr]
            connection.close()


main()
