# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fleetops.tetra.effective_suites: which suites an endpoint really offers, and why not the others."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.plain_data import plain
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel import effective
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import read_options


def effective_suites(facts: t.Any, allow_list: t.Any = None) -> list[dict[str, t.Any]]:
    """Every suite of the lists that may count and of the allow-list, offered or not."""
    if not isinstance(facts, c.Mapping):
        raise AnsibleFilterError("fleetops.tetra.effective_suites takes the facts of an endpoint, which are a mapping.")
    try:
        options = read_options({"allow_list": plain(allow_list)})
        return effective.effective_suites(plain(facts), options.allow_list)
    except ValueError as error:
        raise AnsibleFilterError(f"fleetops.tetra.effective_suites: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"effective_suites": effective_suites}
