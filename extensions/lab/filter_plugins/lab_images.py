# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lab's images are called: a tag that follows from what goes into an image."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Mapping, Sequence


def lab_images(
    names: Sequence[str], repository: str, ingredients: Sequence[str], additions: Mapping[str, t.Any]
) -> dict[str, str]:
    """The image for each of *names*.

    :param ingredients: the text of everything that goes into all images.
    :param additions: image name → what goes into that one only.
    :return: name → repository and tag. Equal content gives an equal tag, so what is there already is not built again.
    """
    images: dict[str, str] = {}
    for name in names:
        own = [json.dumps(additions[name], sort_keys=True)] if name in additions else []
        digest = hashlib.sha256(r"\n".join([*ingredients, *own]).encode()).hexdigest()
        images[name] = f"{repository}-{name}:{digest[:12]}"
    return images


class FilterModule:
    """The filters of the lab's playbooks."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name → filter."""
        return {"lab_images": lab_images}
