# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question over psrp and its answer, for the playbook of separate tasks in ``usual.yml``.

Does as little as a task can: no script, no module upload, one pipeline, and hands back what it was told, for the
playbook to judge. A Windows module costs more.
"""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from pypsrp.complex_objects import GenericComplexObject
from pypsrp.powershell import PowerShell

POLICY = r"Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\Configuration\SSL\00010002"
LOCAL = r"Registry::HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Cryptography\Configuration\Local\SSL\00010002"
SCHANNEL = r"Registry::HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL"
SELECT = "Microsoft.PowerShell.Utility\\Select-Object"


class ActionModule(ActionBase):  # type: ignore[misc]
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        if not self._connection.connected:
            self._connection._connect()
        pipeline = PowerShell(self._connection.runspace)
        question = self._task.args["question"]
        if question == "suites":
            pipeline.add_cmdlet("Get-TlsCipherSuite").add_cmdlet("Write-Output")
            pipeline.add_cmdlet(SELECT).add_parameter("Property", ["Name", "CipherSuite", "Protocols"])
        elif question in ("policy", "local"):
            pipeline.add_cmdlet("Get-ItemProperty").add_parameter(
                "LiteralPath", POLICY if question == "policy" else LOCAL
            )
            pipeline.add_cmdlet(SELECT).add_parameter("Property", ["Functions", "EccCurves"])
        elif question == "schannel":
            parents = [f"{SCHANNEL}\\{name}" for name in ("Protocols", "Ciphers", "Hashes", "KeyExchangeAlgorithms")]
            pipeline.add_cmdlet("Get-ChildItem").add_parameter("LiteralPath", parents)
            pipeline.add_cmdlet(SELECT).add_parameter("Property", ["Name", "Property"])
        else:
            pipeline.add_cmdlet("Get-CimInstance").add_parameter("ClassName", "Win32_OperatingSystem")
            pipeline.add_parameter("Property", ["LastBootUpTime", "CurrentTimeZone"])
            pipeline.add_cmdlet(SELECT).add_parameter("Property", ["LastBootUpTime", "CurrentTimeZone"])
        return {"changed": False, "answers": [plain(answer) for answer in pipeline.invoke()]}


def plain(answer: t.Any) -> t.Any:
    """An object of pypsrp as a result of a task."""
    if isinstance(answer, GenericComplexObject):
        return {**plain(answer.adapted_properties), **plain(answer.extended_properties)}
    if isinstance(answer, dict):
        return {str(name): plain(value) for name, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [plain(value) for value in answer]
    return answer if isinstance(answer, (bool, int, str)) else str(answer)
