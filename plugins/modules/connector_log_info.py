#!/usr/bin/python
# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.connector_log_info: what the definition updates in a connector log came to."""

from __future__ import annotations

import datetime as dt
import tempfile
import typing as t
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import bundle, log, log_files, log_lines


def _parse_time(text: str) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def _update(update: log.Update, when: dt.datetime | None) -> dict[str, t.Any]:
    return {
        "result": update.result,
        "code": update.code,
        "time": log.iso(when),
        "state": update.state,
        "updated": update.updated,
        "directory": update.directory,
        "signatures": update.signatures,
        "definitions_version": update.definitions_version,
        "line": update.line,
    }


def _statistics(statistics: log.Statistics | None) -> dict[str, t.Any] | None:
    if statistics is None:
        return None
    return {
        "definitions": statistics.definitions,
        "first_failure": statistics.first_failure,
        "last_error": statistics.last_error,
        "last_success": statistics.last_success,
    }


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "siblings": {"type": "bool", "default": True},
            "keep": {"type": "int", "default": 5},
            "modified": {"type": "str"},
            "utc_offset_minutes": {"type": "int"},
        },
        supports_check_mode=True,
    )
    keep, offset = module.params["keep"], module.params["utc_offset_minutes"]
    if not 1 <= keep <= 1000:
        module.fail_json(msg=f"keep is {keep}; it must lie between 1 and 1000.")
    if offset is not None and not -24 * 60 < offset < 24 * 60:
        module.fail_json(msg=f"utc_offset_minutes is {offset}; it must be less than a day.")
    modified = None
    if module.params["modified"] is not None:
        modified = _parse_time(module.params["modified"])
        if modified is None:
            module.fail_json(msg="modified is not a time like 2026-11-24T03:43:00Z.")
    path, unpacked = Path(module.params["path"]), None
    with tempfile.TemporaryDirectory(prefix="tetra-bundle-") as folder:
        try:
            if bundle.is_bundle(path):
                unpacked = bundle.unpack(path, Path(folder))
            source = path if unpacked is None else Path(folder)
            files = log_files.log_files(source, module.params["siblings"])
            reading = log.read(log_files.file_lines(files), keep)
        except (log_files.LogError, bundle.BundleError) as error:
            module.fail_json(msg=str(error))
    modified = modified or files[-1].modified

    def time_of(update: log.Update) -> dt.datetime | None:
        if reading.last is None:
            return None
        return log_lines.resolve(update.moment, reading.last, modified, offset)

    module.exit_json(
        changed=False,
        files=[
            {
                "path": str(file.path) if unpacked is None else f"{path}/{file.path.name}",
                "size": file.size,
                "modified": log.iso(file.modified),
            }
            for file in files
        ],
        count=reading.count,
        updates=[_update(update, time_of(update)) for update in reading.updates],
        last_update=log.section_of(reading, modified, offset),
        statistics=_statistics(reading.statistics),
        bundle=unpacked,
    )


if __name__ == "__main__":
    main()
