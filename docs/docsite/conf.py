# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of Sphinx for the web pages of the guide; build.py runs it."""

from __future__ import annotations

import posixpath
import re
import typing as t

project = "uc_firewall.pexip_sfb"
project_copyright = "uc_firewall maintainers"
title = "Pexip Infinity next to Skype for Business: the firewall"
html_short_title = project

extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"vcs_pageview_mode": "blob", "documentation_home_url": "", "topbar_links": {}}
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
default_role = "any"
myst_heading_anchors = 4

# Links that lead nowhere are errors. Other collections have their pages elsewhere, and CI may have no network to look.
nitpicky = True
nitpick_ignore_regex = [
    ("std:ref", r"ansible_collections\.(?!uc_firewall\.pexip_sfb\.).*"),
    ("std:ref", "ansible_configuration_settings|action_plugins|common_return_values"),
    ("std:envvar", "ANSIBLE_.*"),  # settings of Ansible itself
]

REPOSITORY = "https://github.com/uc-firewall/pexip_sfb/blob/main"


def link_sources(app: t.Any, name: str, source: list[str]) -> None:
    """Let links of the Markdown page *name* to files that are no pages lead into the repository, and no others."""

    def leading_out(match: re.Match[str]) -> str:
        target = match["target"]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        return match[0] if (app.srcdir / path).is_file() else f"]({REPOSITORY}/{path})"

    def leading_here(match: re.Match[str]) -> str:
        path = match["path"]
        relative = posixpath.relpath(path, posixpath.dirname(name) or ".")
        return f"]({relative})" if (app.srcdir / path).is_file() else match[0]

    source[0] = re.sub(r"\]\((?P<target>[\w./-]+)\)", leading_out, source[0])
    source[0] = re.sub(rf"\]\({REPOSITORY}/(?P<path>[\w./-]+)\)", leading_here, source[0])


def setup(app: t.Any) -> None:
    """Register with Sphinx."""
    app.connect("source-read", link_sources)
