# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates made by openssl are the oracle, and damaged ones never do more than raise the one error."""

from __future__ import annotations

import contextlib
import functools
import ssl
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.uc_firewall.pexip_sfb.plugins.module_utils._probe.certificate import (
    CertificateError,
    read_certificate,
)
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.operating_system


@functools.cache
def certificate(subject: str, extension: str = "", days: int = 30) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "certificate.der"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-keyout", str(Path(directory) / "key.pem"), "-subj", subject, "-days", str(days)]
        command += ["-addext", extension] if extension else []
        subprocess.run([*command, "-outform", "DER", "-out", str(out)], check=True, capture_output=True)
        return out.read_bytes()


def expiry(der: bytes) -> str:
    """The expiry as openssl reads it."""
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-enddate"]
    text = subprocess.run(command, input=der, check=True, capture_output=True).stdout.decode()
    seconds = ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


@pytest.mark.parametrize(
    ("subject", "extension", "names"),
    [
        ("/CN=node1.example.net", "", ["node1.example.net"]),
        (
            "/O=Example/CN=sip.example.net",
            "subjectAltName=DNS:sip.example.net,DNS:*.example.net,IP:192.0.2.11,IP:2001:db8::11,email:a@example.net",
            ["sip.example.net", "*.example.net", "192.0.2.11", "2001:db8::11"],
        ),
        ("/O=Nameless", "", []),
        ("/CN=<script>&\"'", "", ["<script>&\"'"]),
        ("/CN=a/CN=b", "", ["a", "b"]),
    ],
)
def test_names(subject: str, extension: str, names: list[str]) -> None:
    assert read_certificate(certificate(subject, extension))["names"] == names


def test_elements_of_every_length_around_the_long_form() -> None:
    # What holds the names is a few bytes longer than they are, so some have 128 bytes, which DER writes as 81 80.
    for length in range(100, 131):
        name = f"{'a' * 60}.{'b' * (length - 61)}"
        assert read_certificate(certificate("/CN=x", f"subjectAltName=DNS:{name}"))["names"] == ["x", name]


@pytest.mark.parametrize("days", [1, 30, 40000], ids=["tomorrow", "UTCTime", "GeneralizedTime, after 2050"])
def test_expiry(days: int) -> None:
    der = certificate("/CN=x", days=days)
    assert read_certificate(der)["expires"] == expiry(der)


def test_many_names_are_cut() -> None:
    names = ",".join(f"DNS:host{number}.example.net" for number in range(80))
    assert len(read_certificate(certificate("/CN=x", f"subjectAltName={names}"))["names"]) == 50


@pytest.mark.parametrize("der", [b"", b"0", b"\x30\x80", b"\x30\x82\xff\xff", b"\x30\x02\x30\x00", b"HTTP/1.0 400"])
def test_what_is_none(der: bytes) -> None:
    with pytest.raises(CertificateError):
        read_certificate(der)


@given(st.data())
def test_a_damaged_certificate_is_read_or_refused(data: st.DataObject) -> None:
    der = bytearray(certificate("/CN=node1.example.net", "subjectAltName=DNS:x.example.net,IP:192.0.2.11"))
    for _change in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CertificateError):
        read_certificate(bytes(der[: data.draw(st.integers(0, len(der)))]))
