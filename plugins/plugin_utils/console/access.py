# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Options of whoever asks the console, turned into clients; credentials by option, environment or file."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.module_utils.console.addresses import addresses
from ansible_collections.fleetops.tetra.plugins.module_utils.console.errors import ConsoleError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.client import Console, ConsoleV3, Credentials
from ansible_collections.fleetops.tetra.plugins.plugin_utils.console.transport import Limits, Route, Transport
from ansible_collections.fleetops.tetra.plugins.plugin_utils.variables.option_spec import OptionSpecs

ACCESS: t.Final[OptionSpecs] = {
    "region": {"type": "str", "choices": ["nam", "eu", "apjc"], "default": "nam"},
    "base_url": {"type": "str"},
    "token_url": {"type": "str"},
    "client_id": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "v3_client_id": {"type": "str"},
    "v3_secret": {"type": "str", "no_log": True},
    "organization": {"type": "str"},
    "credentials_file": {"type": "path"},
    "proxy": {"type": "str", "no_log": True},
    "ca_cert": {"type": "path"},
    "timeout": {"type": "int", "default": 600},
    "read_timeout": {"type": "int", "default": 60},
    "tries": {"type": "int", "default": 4},
}
"""The options that M(fleetops.tetra.console_info) and the inventory plugin share. ``timeout``: seconds for all."""
ENVIRONMENT: t.Final[t.Mapping[str, str]] = {
    "client_id": "TETRA_CONSOLE_CLIENT_ID",
    "api_key": "TETRA_CONSOLE_API_KEY",
    "v3_client_id": "TETRA_CONSOLE_V3_CLIENT_ID",
    "v3_secret": "TETRA_CONSOLE_V3_SECRET",
}
_MOST_SECONDS: t.Final = 24 * 3600


@dataclass
class Access:
    """The clients that the credentials allow. Use it as a context manager."""

    transport: Transport
    v1: Console | None
    v3: ConsoleV3 | None

    def __enter__(self) -> Access:
        return self

    def __exit__(self, *_error: object) -> None:
        self.transport.__exit__()

    def need_v1(self) -> Console:
        """The client of version 1. Errors: ConsoleError where its credentials are not given."""
        if self.v1 is None:
            raise ConsoleError(
                "Computers and events are read by version 1 of the console's API: set client_id and api_key, by option,"
                f" by {ENVIRONMENT['client_id']} and {ENVIRONMENT['api_key']}, or in credentials_file."
            )
        return self.v1


def open_access(options: t.Mapping[str, t.Any], from_file: t.Mapping[str, t.Any] | None = None) -> Access:
    """``options``: values for ``ACCESS``; ``from_file``: what ``credentials_file`` holds.

    An option wins over the file, the file over the environment. Errors: ConsoleError.
    """
    strangers = sorted(str(name) for name in set(from_file or {}) - set(ENVIRONMENT))
    if strangers:
        raise ConsoleError(f"The credentials file may hold {', '.join(ENVIRONMENT)}; it also holds {strangers[0]!r}.")
    for name in ("timeout", "read_timeout"):
        if not 0 < options[name] <= _MOST_SECONDS:
            raise ConsoleError(
                f"The option {name} is {options[name]}; it is a number of seconds from 1 to {_MOST_SECONDS}."
            )
    if not 0 <= options["tries"] <= 20:
        raise ConsoleError(f"The option tries is {options['tries']}; it is a number from 0 to 20.")
    places = addresses(options["region"], options["base_url"], options["token_url"])
    limits = Limits(read=options["read_timeout"], whole=options["timeout"], tries=options["tries"])
    transport = Transport((places.api, places.token), limits, Route(options["proxy"], options["ca_cert"]))
    secret = {
        name: str(options[name] or (from_file or {}).get(name) or os.environ.get(variable) or "")
        for name, variable in ENVIRONMENT.items()
    }
    v1 = secret["client_id"] or secret["api_key"]
    v3 = secret["v3_client_id"] or secret["v3_secret"]
    return Access(
        transport,
        Console(transport, places, Credentials(secret["client_id"], secret["api_key"])) if v1 else None,
        ConsoleV3(transport, places, Credentials(secret["v3_client_id"], secret["v3_secret"]), options["organization"])
        if v3
        else None,
    )
