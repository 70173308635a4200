# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a topology, from bytes to XML. It may be written by anybody, so it is bounded in every direction."""

from __future__ import annotations

import codecs
import sys
import typing as t
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from .._values.errors import PortMatrixError

try:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser
except ImportError:
    DefusedXMLParser = None  # type: ignore[assignment,misc] # parse_xml says that it is missing

ACCEPTED = "a file of Topology Builder (.tbxml), or the output of Get-CsTopology -AsXml"
# A pool of twenty machines with all its services is about 50 kB.
MOST_BYTES = 16 * 2**20
_MOST_ELEMENTS = 200_000
_DEEPEST = 100

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_UNMARKED = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))


def read_bytes(path: str) -> bytes:
    """Return what is in the file *path*.

    :raises PortMatrixError: if it cannot be read, or is larger than any topology.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as e:
        raise PortMatrixError.at(path, f"cannot be read: {e.strerror}", ACCEPTED) from e
    if len(data) > MOST_BYTES:
        raise PortMatrixError.at(path, f"is larger than {MOST_BYTES // 2**20} MiB", ACCEPTED)
    return data


def parse_xml(data: bytes, path: str) -> Element:
    """Return the root element of the XML in *data*, which is UTF-8 or UTF-16, with or without a byte order mark.

    :raises PortMatrixError: if it is anything else, has a document type or entities, or is too deep or too long.
    """
    if DefusedXMLParser is None:
        raise PortMatrixError.at(
            path,
            "the Python library defusedxml, which reads it, is missing on the controller",
            f"install it for the Python that runs Ansible: {sys.executable} -m pip install defusedxml",
        )
    if data.startswith(b"PK\x03\x04"):
        raise PortMatrixError.at(path, "is a ZIP, such as Export-CsConfiguration makes", ACCEPTED)
    parser = DefusedXMLParser(target=_BoundedBuilder(), forbid_dtd=True)
    try:
        # As text, because a declaration of the encoding is often not true any more: PowerShell writes files anew.
        parser.feed(_decoded(data))
        root: Element = parser.close()
    except DefusedXmlException:
        raise PortMatrixError.at(path, "has a document type, and a topology has none", ACCEPTED) from None
    except (ParseError, UnicodeDecodeError) as e:
        raise PortMatrixError.at(path, f"is not XML ({e})", ACCEPTED) from None
    except _UnboundedError as e:
        raise PortMatrixError.at(path, str(e), ACCEPTED) from None
    return root


def _decoded(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    for start, encoding in _UNMARKED:
        if data.startswith(start):
            return data.decode(encoding)
    return data.decode("utf-8")


class _UnboundedError(Exception):
    """The document is larger than any topology."""


class _BoundedBuilder(TreeBuilder):
    """Builds the tree of a document as long as it looks like one of a topology."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = 0
        self._depth = 0

    def start(self, tag: t.Any, attrs: t.Any, /) -> t.Any:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _UnboundedError(f"has more than {_MOST_ELEMENTS} elements, or more than {_DEEPEST} within each other")
        return super().start(tag, attrs)

    def end(self, tag: t.Any, /) -> t.Any:
        self._depth -= 1
        return super().end(tag)
