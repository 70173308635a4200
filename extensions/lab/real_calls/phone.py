# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A baresip: how it is set up, what it is asked for, and what it says of the packets that it received."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

# Runs in the network of a host: sends a command to the baresip there, and prints its answer's text.
CONTROL = """
import json, socket, sys
port, command = int(sys.argv[1]), sys.argv[2].encode()
with socket.create_connection(("127.0.0.1", port), timeout=60) as control:
    control.sendall(b"%d:%s," % (len(command), command))
    data = b""
    while True:
        length, colon, rest = data.partition(b":")
        if colon and len(rest) > int(length):
            message, data = json.loads(rest[: int(length)]), rest[int(length) + 1 :]
            if message.get("response"):
                print(message["data"])
                sys.exit(not message["ok"])
            continue
        more = control.recv(65536)
        if not more:
            sys.exit("baresip has closed the connection")
        data += more
"""
_DIRECTORY = "/run/lab-phone"


@dataclass(frozen=True)
class Phone:
    """A baresip of one address family on a lab host.

    :param sip_port: where it listens for SIP over TLS.
    :param media_ports: the ports of its RTP and RTCP, "a-b".
    :param proxy: the address of the proxy that its calls go through; "": none.
    """

    host: str
    address: str
    sip_port: int
    media_ports: str
    control_port: int
    proxy: str = ""

    @property
    def family(self) -> str:
        """The option of baresip for its address family."""
        return "-6" if ":" in self.address else "-4"

    @property
    def unit(self) -> str:
        """The name of its systemd unit."""
        return f"lab-phone{self.family}"

    @property
    def directory(self) -> str:
        """Where its files are."""
        return _DIRECTORY + self.family

    @property
    def uri(self) -> str:
        """How it is called."""
        return f"sip:{self.host}@{bracketed(self.address)}:{self.sip_port}"

    def files(self, certificate: str) -> dict[str, str]:
        """Its files, by name. It plays a tone, and what it hears goes nowhere."""
        outbound = f';outbound="sip:{bracketed(self.proxy)}:5061;transport=tls"' if self.proxy else ""
        config = f"""poll_method epoll
sip_listen {bracketed(self.address)}:{self.sip_port - 1}
sip_certificate {self.directory}/certificate.pem
sip_verify_server no
sip_trans_def tls
audio_path /nonexistent
audio_source ausine,440
audio_player aubridge,nobody
ausrc_srate 48000
ausrc_channels 2
auplay_srate 48000
rtp_ports {self.media_ports}
rtp_stats yes
jitter_buffer_type off
module_path /usr/lib/baresip/modules
module g711.so
module ausine.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{self.control_port}
"""  # SIP over TLS is one port above sip_listen
        account = f"<sip:{self.host}@{bracketed(self.address)};transport=tls>;regint=0;answermode=auto{outbound}\n"
        return {"config": config, "accounts": account, "certificate.pem": certificate, "contacts": ""}


@dataclass(frozen=True)
class Heard:
    """What a baresip says of the packets of a call: received, and missing by their sequence numbers."""

    received: int
    lost: int


def bracketed(address: str) -> str:
    """An address as it is written next to a port."""
    return f"[{address}]" if ":" in address else address


def command(name: str, parameters: str = "") -> str:
    """A command of baresip's module ctrl_tcp."""
    return json.dumps({"command": name, "params": parameters})


def heard(text: str) -> Heard | None:
    """What `audio_debug` says of what was received; None: nothing was, or there is no call."""
    lost = re.search(r"member 0x[0-9a-f]+: lost=(-?\d+)", text)
    received = re.search(r"rcvd=(\d+)", text)
    return Heard(int(received[1]), int(lost[1])) if lost and received else None
