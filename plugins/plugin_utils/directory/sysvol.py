# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The folders of group policies on a domain controller's SYSVOL, read over SMB with signing.

Files are read from the domain controller that is named, below ``sysvol\\DOMAIN\\Policies`` only: a GPO whose path
points elsewhere is not read. The library is smbprotocol.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import first_line
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.layout import Sysvol
from ansible_collections.fleetops.tetra.plugins.module_utils.domain.settings import PLACES
from ansible_collections.fleetops.tetra.plugins.module_utils.policy import gpt_ini, registry_pol, registry_preferences
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.errors import DirectoryError
from ansible_collections.fleetops.tetra.plugins.plugin_utils.directory.log_on import LogOn

PREFERENCES: t.Final = r"Machine\Preferences\Registry\Registry.xml"
MOST_BYTES: t.Final = 16 * 1024 * 1024
"""A policy file that is longer is not read; the largest of Microsoft's baselines has some 100 KB."""
_PATH: t.Final = re.compile(r"\\\\([^\\]+)\\sysvol\\([^\\]+)\\Policies\\(\{[0-9A-Fa-f-]{36}\})\\?", re.IGNORECASE)
_NO_FILE, _NO_PATH = 0xC0000034, 0xC000003A


class SysvolReader:
    """``with SysvolReader(...) as sysvol``. Only the log-on raises DirectoryError; a GPO with a file that cannot be
    read is unread."""

    def __init__(self, server: str, log_on: LogOn, timeout: float = 30.0, port: int = 445) -> None:
        self._server, self._log_on, self._timeout, self._port = server, log_on, timeout, port
        self._connections: dict[str, t.Any] = {}

    def __enter__(self) -> SysvolReader:
        import smbclient

        smbclient.ClientConfig(skip_dfs=True)
        method = "negotiate" if self._log_on.method == "simple" else self._log_on.method
        try:
            smbclient.register_session(
                self._server,
                username=self._log_on.user,
                password=self._log_on.password,
                port=self._port,
                connection_timeout=self._timeout,
                connection_cache=self._connections,
                auth_protocol=method,
                require_signing=True,
            )
        except Exception as error:
            self.__exit__()
            raise DirectoryError(f"SYSVOL of {self._server} cannot be read: {first_line(error)}.") from error
        return self

    def __exit__(self, *_exception: object) -> None:
        import smbclient

        with contextlib.suppress(Exception):
            smbclient.reset_connection_cache(fail_on_error=True, connection_cache=self._connections)

    def read(self, domain: str, guid: str, path: str | None) -> Sysvol:
        """The computer half of one GPO."""
        matched = _PATH.fullmatch(path or "")
        if matched is None or matched[2].lower() != domain or matched[3].lower() != guid.lower():
            return Sysvol(unread=f"its path {path} is not its folder in SYSVOL of {domain}")
        folder = f"\\\\{self._server}\\sysvol\\{matched[2]}\\Policies\\{matched[3]}"
        try:
            pol = self._content(f"{folder}\\Machine\\Registry.pol")
            ini = self._content(f"{folder}\\GPT.INI")
            xml = self._content(f"{folder}\\{PREFERENCES}")
            return Sysvol(
                pol=registry_pol.parse(pol or b""),
                version=gpt_ini.parse(ini).version if ini else None,
                preferences=_preferences(xml) if xml else (),
                unread=None if ini is not None else "its folder holds no GPT.INI",
            )
        except (registry_pol.PolError, gpt_ini.GptIniError) as error:
            return Sysvol(unread=f"a file of its folder is damaged: {error}")
        except _TooLong as error:
            return Sysvol(unread=str(error))
        except Exception as error:
            return Sysvol(unread=first_line(error))

    def _content(self, path: str) -> bytes | None:
        """None where there is no such file."""
        import smbclient
        from smbprotocol.exceptions import SMBOSError

        try:
            with smbclient.open_file(
                path, mode="rb", share_access="rwd", port=self._port, connection_cache=self._connections
            ) as file:
                content: bytes = file.read(MOST_BYTES + 1)
        except SMBOSError as error:
            if error.ntstatus in (_NO_FILE, _NO_PATH):
                return None
            raise
        if len(content) > MOST_BYTES:
            raise _TooLong(f"{path} has more than {MOST_BYTES} bytes")
        return content


class _TooLong(Exception):
    """The message says which file."""


def _preferences(content: bytes) -> tuple[tuple[str, str, str], ...]:
    found = registry_preferences.items(content)
    return tuple(
        dict.fromkeys(
            (item.action, path, name)
            for item in found
            for path, name in PLACES
            if registry_preferences.writes(item, path, name)
        )
    )
