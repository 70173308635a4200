# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traffic that a site lacks: what is said of what arrived, and packets through the loopback of a namespace."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from unknown_traffic import agent
from unknown_traffic.__main__ import KINDS, Sender, main


def test_each_kind_says_how_much_of_it_arrived() -> None:
    scan = Sender("scan", "fe1", ("192.0.2.1",))
    assert " ".join(scan.line(set()).split()) == "a scan of 39 ports from 192.0.2.1 0 of 39 arrived"
    media = Sender("media", "fe1", ("192.0.2.1", "192.0.2.2"))
    line = " ".join(media.line(set(media.packets())).split())
    assert line == "media to 20 ports from 192.0.2.1 to 192.0.2.2 40 of 40 arrived"


def test_a_kind_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--containers-prefix", "x-", "--to", "node1=192.0.2.1", "voice=fe1=192.0.2.2"])
    assert "'voice' is no kind of traffic; accepted: scan, esp, monitoring, media" in capsys.readouterr().err


def test_what_is_sent_is_seen_and_who_waits_for_it_ends() -> None:
    packets = [packet for kind in KINDS.values() for packet in kind.packets("127.0.0.1")]
    order = json.dumps({"destination": "127.0.0.1", "packets": packets})
    script = (
        'ip link set lo up; coproc "$0" "$1" watch "$2"; read -r ready <&"${COPROC[0]}"; '
        '"$0" "$1" send "$2"; cat <&"${COPROC[0]}"'
    )
    command = ["unshare", "--net", "bash", "-c", script, sys.executable, agent.__file__, order]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    assert {tuple(packet) for packet in json.loads(done.stdout)} >= set(packets)
