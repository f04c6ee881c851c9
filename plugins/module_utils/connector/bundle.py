# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Support bundles of the connector (``ipsupporttool.exe``): a ZIP, whatever its extension says.

Only the log, ``policy.xml`` and ``local.xml`` are taken out: the rest of a bundle may hold the connector's identity.
Layout: CiscoSecurity/amp-05-windows-tune, Diag_Analyzer_v2.py; that a bundle holds policy.xml is not proven.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import typing as t
import zipfile
import zlib
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.connector import local_xml, policy_xml

MOST_ENTRIES: t.Final = 200_000
LARGEST: t.Final = 1 << 30
"""Bytes of one unpacked file; a log of a connector in debug mode has hundreds of megabytes."""
LARGEST_XML: t.Final = 16 << 20
_LOG = re.compile(r"(?:.*/)?(\d+(?:\.\d+){2,3})/(sfc\.exe[^/]*\.log[^/]*)", re.IGNORECASE)
_XML = re.compile(r"(?:.*/)?(policy|local)\.xml", re.IGNORECASE)


class BundleError(Exception):
    """The file is no bundle that can be read; one sentence."""


class Bundle(t.TypedDict):
    """``version``: of the folder of the newest log. Sections as in the facts, None where the file is missing."""

    version: str | None
    tetra: t.Any
    proxy: t.Any
    definitions: t.Any


def is_bundle(path: Path) -> bool:
    """Whether the file is a ZIP."""
    try:
        return path.is_file() and zipfile.is_zipfile(path)
    except OSError:
        return False


def unpack(path: Path, folder: Path) -> Bundle:
    """Writes the logs of a bundle into ``folder``, with the times of their last change, and reads policy and settings.

    Of several versions the numerically highest counts. Names inside the bundle become plain file names. Errors:
    ``BundleError``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpack(path, archive, folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BundleError(f"{path} cannot be read as a support bundle ({type(error).__name__}).") from error


def _unpack(path: Path, archive: zipfile.ZipFile, folder: Path) -> Bundle:
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BundleError(f"{path} holds {len(entries)} files, more than any support bundle.")
    logs: dict[tuple[int, ...], list[tuple[zipfile.ZipInfo, str, str]]] = {}
    found: dict[str, bytes] = {}
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        log, xml = _LOG.fullmatch(name), _XML.fullmatch(name)
        if log is not None:
            logs.setdefault(tuple(map(int, log[1].split("."))), []).append((entry, log[2], log[1]))
        elif xml is not None and entry.file_size <= LARGEST_XML:
            found.setdefault(xml[1].lower(), archive.read(entry))
    if not logs:
        raise BundleError(f"{path} holds no sfc.exe.log below a version folder: it is no support bundle.")
    newest = logs[max(logs)]
    for entry, name, _version in newest:
        if entry.file_size > LARGEST:
            raise BundleError(f"{entry.filename} in {path} has {entry.file_size >> 20} MiB, more than is unpacked.")
        target = folder / name.lower()
        left = LARGEST
        with archive.open(entry) as source, target.open("wb") as out:
            while left > 0 and (data := source.read(min(1 << 20, left))):
                out.write(data)
                left -= len(data)
        try:
            when = dt.datetime(*entry.date_time, tzinfo=dt.UTC).timestamp()
        except ValueError:
            continue
        os.utime(target, (when, when))
    policy, local = found.get("policy"), found.get("local")
    return {
        "version": newest[0][2],
        "tetra": policy_xml.tetra_section(policy) if policy is not None else None,
        "proxy": policy_xml.proxy_section(policy) if policy is not None else None,
        "definitions": local_xml.definitions_section(local) if local is not None else None,
    }
