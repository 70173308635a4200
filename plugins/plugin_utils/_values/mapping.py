# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads mappings that people wrote: checked types, no unknown key, a message that names the place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from .errors import PortMatrixError, names, shown

IDENTIFIER_ACCEPTED = "a lower-case letter, then up to 62 lower-case letters, digits and underscores"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def as_mapping(value: object, where: str, keys: Iterable[str] | None = None) -> Mapping[str, object]:
    """Return *value* as a mapping whose keys are all among *keys* (None: whatever they are).

    :raises PortMatrixError: if it is no mapping or has another key.
    """
    known = None if keys is None else set(keys)
    if not isinstance(value, Mapping):
        accepted = "a mapping" if known is None else f"a mapping with the keys {names(known)}"
        raise PortMatrixError.at(where, f"{shown(value)} is not a mapping", accepted)
    for key in value:
        if known is not None and key not in known:
            raise PortMatrixError.at(where, f"unknown key {shown(key)}", names(known))
    return value


def as_document(value: object, where: str, accepted: str) -> object:
    """Return *value*, parsed where it is JSON text.

    :raises PortMatrixError: if it is text that is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as e:
        raise PortMatrixError.at(where, f"is not JSON ({e})", accepted) from e


def as_list(value: object, where: str) -> Sequence[object]:
    """Return *value* as a sequence.

    :raises PortMatrixError: if it is anything else (a string is not taken for its letters).
    """
    if not isinstance(value, (list, tuple)):
        raise PortMatrixError.at(where, f"{shown(value)} is not a list", "a list")
    return value


def as_strings(value: object, where: str) -> tuple[str, ...]:
    """Return *value*, a string or a list of strings, as strings.

    :raises PortMatrixError: if it is anything else.
    """
    items = (value,) if isinstance(value, str) else as_list(value, where)
    strings = tuple(item for item in items if isinstance(item, str))
    if len(strings) != len(items):
        raise PortMatrixError.at(where, f"{shown(value)} holds something that is not a string", "a list of strings")
    return strings


def as_flag(value: object, where: str) -> bool:
    """Return *value* as a truth value.

    :raises PortMatrixError: if it is not one already; strings are not guessed at.
    """
    if not isinstance(value, bool):
        raise PortMatrixError.at(where, f"{shown(value)} is not a boolean", "true or false")
    return value


def as_text(value: object, where: str) -> str:
    """Return *value* as one line of text, white space folded.

    :raises PortMatrixError: if it is no string or holds a control character.
    """
    if not isinstance(value, str):
        raise PortMatrixError.at(where, f"{shown(value)} is not a string", "one line of text")
    text = " ".join(value.split())
    if not text.isprintable():
        raise PortMatrixError.at(where, f"{shown(value)} holds a control character", "one line of text")
    return text


def as_identifier(value: object, where: str) -> str:
    """Return *value* as an id that every back end can carry as it is.

    :raises PortMatrixError: if it has another form; no back end has to escape an id.
    """
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise PortMatrixError.at(where, f"{shown(value)} cannot be an id", IDENTIFIER_ACCEPTED)
    return value


def as_choice(value: object, where: str, choices: Iterable[str]) -> str:
    """Return *value* where it is one of *choices*.

    :raises PortMatrixError: if it is not.
    """
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise PortMatrixError.at(where, f"unknown value {shown(value)}", names(known))
    return value
