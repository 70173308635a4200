# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files for other firewalls: aerleon's input, and the configuration of each platform."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from .platforms import PLATFORMS, Chosen
from .policy import Policy
from .rendering import MISSING, is_there, render


@dataclass(frozen=True)
class PlatformFiles:
    """The texts of the files by name, and what their readers have to know."""

    texts: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def names_of_files(stem: str) -> list[str]:
    """Every file that there may be."""
    return [_definitions(stem), _policy(stem), *(_of_platform(stem, Chosen(one, {})) for one in PLATFORMS.values())]


def platform_files(policy: Policy, chosen: Sequence[Chosen], stem: str) -> PlatformFiles:
    """Write aerleon's input, and with aerleon the configuration of the *chosen* platforms.

    :raises PortMatrixError: where aerleon does not write all that it is given.
    """
    if not chosen:
        return PlatformFiles()
    texts = {
        _definitions(stem): _as_yaml(policy.definitions),
        _policy(stem): _as_yaml(policy.as_document(stem)),
    }
    without = [] if is_there() else [one for one in chosen if one.platform.target]
    configurations = [render(policy, one) for one in chosen if one not in without]
    said = [line for one in configurations for line in one.said()]
    if without:
        names = ", ".join(one.platform.name for one in without)
        said.append(MISSING.format(platforms=names, files=" and ".join(texts)))
    texts.update((_of_platform(stem, one.chosen), one.text) for one in configurations if one.text)
    return PlatformFiles(texts, tuple(said))


def _definitions(stem: str) -> str:
    return f"{stem}-aerleon-definitions.yaml"


def _policy(stem: str) -> str:
    return f"{stem}-aerleon-policy.yaml"


def _of_platform(stem: str, chosen: Chosen) -> str:
    return f"{stem}-{chosen.platform.name}.{chosen.platform.ending}"


def _as_yaml(document: dict[str, t.Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)
