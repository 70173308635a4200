# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPS as Ansible does it: its proxies, its certificates, its user agent. The core says what to send."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError, URLError

from ansible.module_utils.urls import ConnectionError as AnsibleConnectionError
from ansible.module_utils.urls import open_url

from .._pexip_api.client import Answer
from .._values.errors import PortMatrixError

_MOST_BYTES = 32 * 2**20


class Https:
    """Sends requests. No redirect is followed, and no ``.netrc`` is read: credentials are those of the inventory."""

    def __init__(self, timeout: float, validate_certs: bool, ca_path: str | None) -> None:
        """*timeout* is how many seconds a whole answer may take; *ca_path* is a file with certificates to trust."""
        self._timeout = timeout
        self._certificates = {"validate_certs": validate_certs, "ca_path": ca_path}

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send one request.

        :raises PortMatrixError: where there is no answer, or not all of it.
        """
        deadline = time.monotonic() + self._timeout
        try:
            with self._open(method, url, headers, body) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                # What comes with an error is a page for people, and may repeat what was sent.
                content = self._read(response, url, deadline) if response.status == 200 else b""
                return Answer(response.status, found, content)
        except PortMatrixError:  # which is a ValueError, too
            raise
        except TimeoutError as e:
            raise self._too_slow(url) from e
        except URLError as e:
            if isinstance(e.reason, TimeoutError):
                raise self._too_slow(url) from e
            raise PortMatrixError.at(url, f"no answer: {e.reason}") from e
        except (HTTPException, OSError, ValueError, AnsibleConnectionError) as e:
            raise PortMatrixError.at(url, f"no whole answer: {e}") from e

    def _open(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> t.Any:
        try:
            return open_url(
                url,
                data=body,
                headers=dict(headers),
                method=method,
                timeout=self._timeout,
                follow_redirects="none",
                use_netrc=False,
                decompress=False,
                **self._certificates,
            )
        except HTTPError as e:
            return e

    def _read(self, response: t.Any, url: str, deadline: float) -> bytes:
        content = bytearray()
        while part := response.read1(65536):
            content += part
            if len(content) > _MOST_BYTES:
                raise PortMatrixError.at(url, f"the answer is larger than {_MOST_BYTES // 2**20} MiB")
            if time.monotonic() > deadline:
                raise self._too_slow(url)
        length = response.headers.get("Content-Length")
        if length is not None and length != str(len(content)):
            raise PortMatrixError.at(url, f"the answer is cut off after {len(content)} of {length} bytes")
        return bytes(content)

    def _too_slow(self, url: str) -> PortMatrixError:
        return PortMatrixError.at(url, f"the answer takes longer than the timeout of {self._timeout} s")
