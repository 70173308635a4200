# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what people wrote: checked types, no unknown key, a message that names the place.

An inventory in INI, TOML, or a variable of the command line may have text where YAML has a list, a mapping or a truth
value. It is read as Ansible reads the arguments of its own modules.
"""

from __future__ import annotations

import ast
import datetime
import json
import re
from collections.abc import Iterable, Mapping, Sequence

from .errors import PortMatrixError, names, nearest_text, shown
from .vaulted import Vaulted

IDENTIFIER_ACCEPTED = "a lower-case letter, then up to 62 lower-case letters, digits and underscores"
_TRUE, _FALSE = ("true", "yes", "on", "y", "t", "1"), ("false", "no", "off", "n", "f", "0")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)


def as_mapping(value: object, where: str, keys: Iterable[str] | None = None) -> Mapping[str, object]:
    """Return *value* as a mapping whose keys are all among *keys* (None: whatever they are).

    :raises PortMatrixError: if it is no mapping or has another key.
    """
    known = None if keys is None else set(keys)
    if isinstance(value, str):
        value = mapping_of_text(value)
    if not isinstance(value, Mapping):
        accepted = "a mapping" if known is None else f"a mapping with the keys {names(known)}"
        raise PortMatrixError.at(where, f"{shown(value)} is not a mapping", accepted)
    for key in value:
        if known is not None and key not in known:
            raise PortMatrixError.at(where, f"unknown key {shown(key)}{nearest_text(key, known)}", names(known))
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


def mapping_of_text(value: object) -> object:
    """Return *value*, as a mapping where it is the text of one: in braces, or as ``key=value`` with commas between."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("{"):
        return _literal(text, value)
    pairs = [item.partition("=") for item in text.replace(",", " ").split()]
    return {key: item for key, _equals, item in pairs} if pairs and all(pair[1] for pair in pairs) else value


def _list_of_text(value: str) -> object:
    text = value.strip()
    if text.startswith("["):
        return _literal(text, value)
    return _vaulted_like([item.strip() for item in text.split(",")] if text else [], value)


def _literal(text: str, value: str) -> object:
    """Read *text* as JSON or as Python writes it, which is what templates make; *value* where it is neither."""
    try:
        return _vaulted_like(json.loads(text), value)
    except (ValueError, RecursionError):
        pass
    try:
        return _vaulted_like(ast.literal_eval(text), value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def _vaulted_like(found: object, value: str) -> object:
    """What was *found* in *value* is shown no more than that is."""
    if not isinstance(value, Vaulted):
        return found
    if isinstance(found, Mapping):
        return {key: _vaulted_like(item, value) for key, item in found.items()}
    if isinstance(found, list):
        return [_vaulted_like(item, value) for item in found]
    return Vaulted(found) if isinstance(found, str) else found


def as_list(value: object, where: str) -> Sequence[object]:
    """Return *value* as a sequence. Text is one in brackets, or items with commas between them.

    :raises PortMatrixError: if it is anything else.
    """
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, str):
        value = _list_of_text(value)
    if not isinstance(value, list):
        raise PortMatrixError.at(where, f"{shown(value)} is not a list", "a list")
    return value


def as_strings(value: object, where: str) -> tuple[str, ...]:
    """Return *value*, a string or a list of strings, as strings. Ansible writes a number out, and so does this.

    :raises PortMatrixError: if it is anything else.
    """
    items = as_list([value] if _is_number(value) else value, where)
    strings = tuple(
        item if isinstance(item, str) else str(item) for item in items if isinstance(item, str) or _is_number(item)
    )
    if len(strings) != len(items):
        raise PortMatrixError.at(where, f"{shown(value)} holds something that is not a string", "a list of strings")
    return strings


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_flag(value: object, where: str) -> bool:
    """Return *value* as a truth value.

    :raises PortMatrixError: if it is none, and no text or number that Ansible takes for one.
    """
    if isinstance(value, bool):
        return value
    text = str(value).lower() if isinstance(value, (str, int)) else ""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise PortMatrixError.at(where, f"{shown(value)} is not a boolean", "true or false")


def as_number(value: object, where: str, lowest: int, highest: int) -> int:
    """Return *value* as a whole number in these bounds.

    :raises PortMatrixError: if it is none, and no text of one, or out of bounds.
    """
    text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    number = int(text) if _DIGITS.fullmatch(text) else None
    if number is None or not lowest <= number <= highest:
        raise PortMatrixError.at(where, f"{shown(value)} is out of range", f"{lowest} to {highest}")
    return number


def as_count(value: object, where: str) -> int:
    """Return *value*, which counters and their sums are: of any size.

    :raises PortMatrixError: if it is something else; the message begins with *where*.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PortMatrixError.at(where, f"{shown(value)} is not a count", "a number from 0 on")
    return value


def as_text(value: object, where: str) -> str:
    """Return *value* as one line of text, white space folded. A number is written out.

    :raises PortMatrixError: if it is not a string or holds a control character.
    """
    if _is_number(value):
        value = str(value)
    if not isinstance(value, str):
        raise PortMatrixError.at(where, f"{shown(value)} is not a string", "one line of text")
    text = " ".join(value.split())
    if not text.isprintable():
        raise PortMatrixError.at(where, f"{shown(value)} holds a control character", "one line of text")
    return text


def as_lines(value: object, where: str) -> str:
    """Return *value*, text or a list of texts, as lines of text. Empty ones at its end are gone.

    :raises PortMatrixError: if it is something else or holds another control character than line breaks and tabs.
    """
    items = value if isinstance(value, (list, tuple)) else [value]
    lines = [line for item in items for line in (item.splitlines() if isinstance(item, str) else [item])]
    return "\n".join(as_text(line, where) for line in lines).rstrip("\n")


def as_date(value: object, where: str) -> datetime.date | None:
    """Return *value* as a day; None where it is empty.

    :raises PortMatrixError: if it is neither.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return datetime.date.fromisoformat(value)
    except ValueError:  # such as the 31st of June
        pass
    raise PortMatrixError.at(where, f"{shown(value)} is not a day", "one such as 2027-03-31")


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
        raise PortMatrixError.at(where, f"unknown value {shown(value)}{nearest_text(value, known)}", names(known))
    return value
