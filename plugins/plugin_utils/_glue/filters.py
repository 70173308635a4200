# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every filter plugin does at its edge: plain data in, errors of the core out as errors of Ansible."""

from __future__ import annotations

import functools
import typing as t
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

from .._values.errors import PortMatrixError
from .._values.netaddr import MISSING

P = t.ParamSpec("P")
T = t.TypeVar("T")


def as_filter(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate the filter *name*: a ``PortMatrixError`` becomes an ``AnsibleFilterError`` with the same text.

    A missing library becomes one, too, that says how to get it.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            if MISSING:
                raise AnsibleFilterError(f"uc_firewall.pexip_sfb.{name}: {MISSING}")
            try:
                return function(*args, **kwargs)
            except PortMatrixError as e:
                raise AnsibleFilterError(f"uc_firewall.pexip_sfb.{name}:\n{e}") from e

        return wrapped

    return decorate
