"""A stand-in for servers: accepts connections at the TCP ports named as arguments and closes them."""

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
