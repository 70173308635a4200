# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names and the expiry of a certificate, read from its DER bytes (RFC 5280).

Python's own parser tells them of certificates that it has verified only, and here nothing is verified: a private CA or
an expired certificate is what a user wants to see.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterator
from datetime import datetime, timezone

_COMMON_NAME = b"\x55\x04\x03"
_SUBJECT_ALTERNATIVE_NAME = b"\x55\x1d\x11"
_SEQUENCE, _OID, _UTC_TIME, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0x30, 0x06, 0x17, 0xA3, 0x82, 0x87
_NAMES_SHOWN = 50


class CertificateError(ValueError):
    """Bytes that are no certificate."""


def read_certificate(der: bytes) -> dict[str, t.Any]:
    """Return the ``names`` (subject's common name, alternative names) and when it ``expires``, in ISO 8601.

    :raises CertificateError: if *der* is no certificate.
    """
    try:
        certificate = _only(der, _SEQUENCE)
        fields = list(_items(_only(certificate, _SEQUENCE)))
        sequences = [value for tag, value in fields if tag == _SEQUENCE]
        # signature algorithm, issuer, validity, subject, public key
        _begins, (tag, expires) = list(_items(sequences[2]))[:2]
        names = dict.fromkeys([*_common_names(sequences[3]), *_alternative_names(fields)])
        return {"names": list(names)[:_NAMES_SHOWN], "expires": _time(tag, expires)}
    except (ValueError, IndexError) as e:
        raise CertificateError(f"no certificate that can be read: {e}") from e


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element that stands in *data*."""
    while data:
        tag, length, start = data[0], data[1], 2
        if length == 0x80:  # indefinite, which DER does not have
            raise CertificateError("an element does not say how long it is")
        if length > 0x80:
            start += length - 0x80
            length = int.from_bytes(data[2:start], "big")
        if start + length > len(data):
            raise CertificateError("an element is longer than what holds it")
        yield tag, data[start : start + length]
        data = data[start + length :]


def _only(data: bytes, tag: int) -> bytes:
    """Return the content of the first element, which must have *tag*."""
    found, content = next(_items(data), (0, b""))
    if found != tag:
        raise CertificateError(f"an element has the tag {found}, not {tag}")
    return content


def _common_names(subject: bytes) -> Iterator[str]:
    for _tag, relative_name in _items(subject):
        for _tag, attribute in _items(relative_name):
            (_tag, kind), (_tag, value) = list(_items(attribute))[:2]
            if kind == _COMMON_NAME:
                yield value.decode("utf-8", "replace")


def _alternative_names(fields: list[tuple[int, bytes]]) -> Iterator[str]:
    for _tag, extensions in (field for field in fields if field[0] == _EXTENSIONS):
        for _tag, extension in _items(_only(extensions, _SEQUENCE)):
            parts = list(_items(extension))
            if parts[0] == (_OID, _SUBJECT_ALTERNATIVE_NAME):
                yield from _general_names(_only(parts[-1][1], _SEQUENCE))


def _general_names(names: bytes) -> Iterator[str]:
    for tag, name in _items(names):
        if tag == _DNS_NAME:
            yield name.decode("utf-8", "replace")
        elif tag == _IP_ADDRESS:
            yield str(ipaddress.ip_address(name))


def _time(tag: int, value: bytes) -> str:
    text = value.decode("ascii")
    if tag == _UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc).isoformat()
