# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter fleetops.tetra.client_hello: what an endpoint would offer a server, now or after a plan."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.plain_data import plain
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.client_hello import predict


def client_hello(facts: t.Any, plan: t.Any = None) -> dict[str, t.Any]:
    """The predicted Client Hello."""
    if not isinstance(facts, c.Mapping):
        raise AnsibleFilterError("fleetops.tetra.client_hello takes the facts of an endpoint, which are a mapping.")
    try:
        return predict(plain(facts), plain(plan))
    except ValueError as error:
        raise AnsibleFilterError(f"fleetops.tetra.client_hello: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"client_hello": client_hello}
