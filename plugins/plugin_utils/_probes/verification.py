# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a verification, which a report can show: read from the JSON that the verification wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .._values.errors import PortMatrixError, shown
from .._values.mapping import as_choice, as_document, as_flag, as_list, as_mapping, as_strings
from .results import NOT_OPEN, VERSION

_VERDICTS = (*NOT_OPEN, "not_probeable", "open")  # in the order in which they are shown


@dataclass(frozen=True)
class Probe:
    """One probe and its verdict. Texts come from hosts on the network: they may hold anything."""

    row: str
    source_host: str
    source: str
    source_port: int | None
    destination_host: str
    destination: str
    destination_port: int | None
    protocol: str
    probe: str
    verdict: str
    detail: str
    certificate: str
    accepted: bool

    @property
    def failed(self) -> bool:
        """Whether it is not open, and nobody has accepted that."""
        return self.verdict in NOT_OPEN and not self.accepted


@dataclass(frozen=True)
class Verification:
    """When it was made, and its probes: those that failed first."""

    generated: str
    probes: tuple[Probe, ...]

    def counts(self) -> dict[str, int]:
        """Verdict → number of probes, those that failed first."""
        found = Counter(probe.verdict for probe in self.probes)
        return {verdict: found[verdict] for verdict in _VERDICTS if found[verdict]}


def read_verification(document: object, where: str) -> Verification:
    """Read the document of a verification, as text or already parsed.

    :raises PortMatrixError: if it is something else; the message begins with *where*.
    """
    data = as_mapping(as_document(document, where, "the JSON file of a verification"), where)
    if data.get("version") != VERSION:
        raise PortMatrixError.at(where, f"has the version {shown(data.get('version'))}", str(VERSION))
    probes = [_read_probe(item, f"{where} probes") for item in as_list(data.get("probes"), f"{where} probes")]
    probes.sort(key=lambda probe: (not probe.failed, _VERDICTS.index(probe.verdict)))
    return Verification(_text(data, "generated", where), tuple(probes))


def _read_probe(value: object, where: str) -> Probe:
    data = as_mapping(value, where)
    return Probe(
        row=_text(data, "row", where),
        source_host=_text(data, "source_host", where),
        source=_text(data, "source", where),
        source_port=_port(data, "source_port", where),
        destination_host=_text(data, "destination_host", where),
        destination=_text(data, "destination", where),
        destination_port=_port(data, "destination_port", where),
        protocol=_text(data, "protocol", where),
        probe=_text(data, "probe", where),
        verdict=as_choice(data.get("verdict"), f"{where} verdict", _VERDICTS),
        detail=_text(data, "detail", where),
        certificate=_certificate(data.get("certificate"), f"{where} certificate"),
        accepted=as_flag(data.get("accepted", False), f"{where} accepted"),
    )


def _text(data: Mapping[str, object], key: str, where: str) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise PortMatrixError.at(f"{where} {key}", f"{shown(value)} is not a string", "a string")
    return value


def _port(data: Mapping[str, object], key: str, where: str) -> int | None:
    value = data.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise PortMatrixError.at(f"{where} {key}", f"{shown(value)} is not a port", "a port, or null")
    return value


def _certificate(value: object, where: str) -> str:
    if value is None:
        return ""
    data = as_mapping(value, where)
    listed = ", ".join(as_strings(data.get("names", ()), f"{where} names"))
    expires = _text(data, "expires", where)
    return f"{listed or 'no name'}{f'; expires {expires}' if expires else ''}"
