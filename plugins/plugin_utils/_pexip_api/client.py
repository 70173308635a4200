# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads lists from the Management API of Pexip Infinity: pages, rate limit, and what is wrong with an answer.

It sends GET only, as a DELETE of a list would remove everything in it. The form of the lists is that of the public
SDK (github.com/pexip/go-infinity-sdk). How bytes get there is the business of *send*.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import typing as t
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from .._values.errors import PortMatrixError, shown

PAGE = 100
_API = "/api/admin/configuration/v1"
_MOST_OBJECTS = 100_000
# The Management Node accepts 1000 requests a minute, so a wait is at most about that long.
_MOST_WAITS = 5
_LONGEST_WAIT = 120.0


class Answer(t.NamedTuple):
    """What a server says; the names of *headers* are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Send(t.Protocol):
    """Sends one request, and follows no redirect."""

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Return the answer, whatever its status.

        :raises PortMatrixError: where there is none, or it is cut off.
        """


def base_url(value: object) -> str:
    """Read the address of the Management Node, as ``https://manager.example.com``.

    :raises PortMatrixError: if it is anything else. The message does not show the value, which may hold a password.
    """
    accepted = "https://, then the name or address of the Management Node, and a port where it is not 443"
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        port = parts.port
    except ValueError:
        raise PortMatrixError.at("url", "is not a URL", accepted) from None
    if parts.username is not None or parts.password is not None:
        raise PortMatrixError.at(
            "url", "holds a user name or password", f"{accepted}; username and password are options"
        )
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise PortMatrixError.at("url", "is not the HTTPS address of a Management Node", accepted)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"https://{host}" + (f":{port}" if port else "")


class Client:
    """Reads from one Management Node."""

    def __init__(
        self,
        base: str,
        send: Send,
        authorization: Callable[[], str],
        wait: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        """*authorization* gives the header for the first request; *wait* sleeps; *now* is the time since the epoch."""
        self._base = base
        self._send = send
        self._authorization = authorization
        self._header = ""
        self._wait = wait
        self._now = now
        self._waited = 0.0

    def objects(self, resource: str) -> list[Mapping[str, t.Any]]:
        """Return everything that *resource* lists, such as ``worker_vm``.

        :raises PortMatrixError: if any part of the list is missing, or comes twice.
        """
        found: dict[str, Mapping[str, t.Any]] = {}
        total = 0
        for where, page in self._pages(resource):
            total = page["meta"]["total_count"]
            for item in page["objects"]:
                uri = item.get("resource_uri")
                if not isinstance(uri, str):
                    raise PortMatrixError.at(where, "lists something without a resource_uri")
                if uri in found:
                    raise PortMatrixError.at(where, f"lists {shown(uri)} twice. Was it changed meanwhile? Run it again")
                found[uri] = item
            if len(found) > min(total, _MOST_OBJECTS):
                raise PortMatrixError.at(where, f"lists more than the {total} that it says there are, without an end")
        if len(found) < total:
            raise PortMatrixError.at(where, f"lists {len(found)} of the {total} that it says there are")
        return list(found.values())

    def _pages(self, resource: str) -> Iterator[tuple[str, t.Any]]:
        first = f"{self._base}{_API}/{resource}/"
        url = f"{first}?limit={PAGE}"
        while True:
            page = self._page(url)
            yield url, page
            following = page["meta"].get("next")
            if following is None:
                return
            if not isinstance(following, str) or not page["objects"]:
                raise PortMatrixError.at(url, "has a next page after nothing, or one that is not an address")
            url = urljoin(url, following)
            if url.partition("?")[0] != first:
                # The credentials go to nobody else.
                raise PortMatrixError.at(first, "its next page is somewhere else, and is not requested")

    def _page(self, url: str) -> t.Any:
        page = as_json(self._get(url), url)
        meta = page.get("meta")
        total = meta.get("total_count") if isinstance(meta, Mapping) else None
        objects = page.get("objects")
        if isinstance(total, bool) or not isinstance(total, int) or not isinstance(objects, list):
            raise PortMatrixError.at(url, "is not a list of the Management API", "meta with total_count, and objects")
        if not all(isinstance(item, Mapping) for item in objects):
            raise PortMatrixError.at(url, "lists something that is not an object")
        return page

    def _get(self, url: str) -> Answer:
        self._header = self._header or self._authorization()
        for attempt in range(_MOST_WAITS + 1):
            answer = self._send("GET", url, {"Authorization": self._header, "Accept": "application/json"})
            if answer.status == 200:
                return answer
            if answer.status not in (429, 503):
                break
            self._pause(url, answer, attempt)
        raise PortMatrixError.at(url, _refusal(answer.status))

    def _pause(self, url: str, answer: Answer, attempt: int) -> None:
        seconds = retry_after(answer.headers.get("retry-after"), self._now())
        seconds = float(2**attempt) if seconds is None else seconds
        self._waited += seconds
        if self._waited > _LONGEST_WAIT:
            raise PortMatrixError.at(
                url,
                f"{_refusal(answer.status)}. It asks to wait {seconds:.0f} s, and {_LONGEST_WAIT:.0f} s are the most",
            )
        self._wait(seconds)


def retry_after(value: str | None, now: float) -> float | None:
    """Read the header ``Retry-After`` (RFC 9110, 10.2.3), seconds or a date; None where it says nothing."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None


def as_json(answer: Answer, url: str) -> Mapping[str, t.Any]:
    """Return the JSON object in *answer*.

    :raises PortMatrixError: if there is none. The message shows nothing of it, as it may hold anything.
    """
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, Mapping):
        raise PortMatrixError.at(url, "answers with something other than a JSON object")
    return document


def _refusal(status: int) -> str:
    """Say what a status other than 200 means here."""
    known = {
        401: "the credentials are not accepted",
        403: "the account may not read this: its role needs the permissions that the documentation lists",
        404: "there is nothing: is this the Management Node, and not a Conferencing Node?",
        429: "too many requests",
    }
    meaning = known.get(status) or http.client.responses.get(status, "unknown")
    if 300 <= status < 400:
        meaning = "a redirect, which is not followed. Give the address that it leads to, if you trust it"
    return f"the answer is {status} ({meaning})"
