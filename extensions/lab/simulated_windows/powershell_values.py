# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripts handle: errors of .NET, conversions and operators, as PowerShell has them."""

from __future__ import annotations

import fnmatch
import operator
import re
import typing as t
from collections.abc import Callable, Sequence


class DotNetError(Exception):
    """An exception of .NET, as a script sees it."""

    def __init__(self, message: str, **properties: t.Any) -> None:
        super().__init__(message)
        self.Message = message
        self.__dict__.update(properties)

    def GetBaseException(self) -> DotNetError:  # noqa: N802 - the name is .NET's
        """Itself: what it wraps was taken out already."""
        return self


class ErrorRecord:
    """What ``$_`` is in a catch block."""

    def __init__(self, exception: Exception) -> None:
        self.Exception = exception if isinstance(exception, DotNetError) else DotNetError(str(exception))


def as_text(value: t.Any) -> str:
    """What ``[string]`` makes of a value, in every language of a host."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() else repr(value)
    return " ".join(map(as_text, value)) if isinstance(value, list) else str(value)


def as_int(value: t.Any) -> int:
    """What ``[int]`` makes of a value."""
    try:
        if not isinstance(value, str):
            return round(value or 0)
        return int(value, 16) if value.strip().lower().startswith("0x") else round(float(value or 0))
    except (TypeError, ValueError) as e:
        raise DotNetError(f'Cannot convert value "{value}" to type "System.Int32".') from e


TYPES = {"int": int, "string": str, "array": list}


def is_true(value: t.Any) -> bool:
    """What a condition makes of a value."""
    if isinstance(value, list):
        return bool(value) and (len(value) > 1 or is_true(value[0]))
    return bool(value) if isinstance(value, str | int | float | bool | None) else True


CASTS: dict[str, Callable[[t.Any], t.Any]] = {
    "string": as_text,
    "int": as_int,
    "double": lambda value: float(value or 0),
    "bool": is_true,
    "void": lambda _value: None,
    "ordered": dict,
}


def _folded(value: t.Any, beside: t.Any) -> t.Any:
    value = as_text(value) if isinstance(beside, str) and value is not None else value
    return value.lower() if isinstance(value, str) else value


def equal(left: t.Any, right: t.Any) -> bool:
    """``-eq``: the right side takes the type of the left one, and strings are equal whatever their case."""
    return bool(_folded(left, left) == _folded(right, left))


OPERATORS: dict[str, Callable[[t.Any, t.Any], t.Any]] = {
    "-eq": equal,
    "-ne": lambda a, b: not equal(a, b),
    "-lt": operator.lt,
    "-le": operator.le,
    "-gt": operator.gt,
    "-ge": operator.ge,
    "-in": lambda a, b: any(equal(item, a) for item in b),
    "-notin": lambda a, b: not any(equal(item, a) for item in b),
    "-is": isinstance,
    "-like": lambda a, b: fnmatch.fnmatchcase(as_text(a).lower(), as_text(b).lower()),
    "-split": lambda a, b: re.split(b, as_text(a), flags=re.IGNORECASE),
    "-join": lambda a, b: b.join(as_text(item) for item in a),
    "-band": lambda a, b: a & b,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def is_many(value: t.Any) -> bool:
    """Tell whether a value is taken apart on its way through a pipeline."""
    return (isinstance(value, Sequence) and not isinstance(value, str)) or hasattr(value, "_NewEnum")


def unrolled(value: t.Any) -> list[t.Any]:
    """The objects that a value becomes on its way through a pipeline."""
    return list(value) if is_many(value) else [value]


def single(output: list[t.Any]) -> t.Any:
    """The value that an output is: nothing, one object, or a list."""
    return None if not output else output[0] if len(output) == 1 else output
