# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV that spreadsheets read and never run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.report import csv_report
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.fleet import FleetBuilder, RunInfo
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.report import Report, make_report
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories


def report(*results: factories.Document) -> Report:
    run = RunInfo("/runs/1", factories.run_info([]))
    builder = FleetBuilder()
    builder.add_run(run)
    for result in results:
        builder.add(run, result)
    return make_report(builder.build())


def rows(made: Report) -> list[dict[str, str]]:
    text = "".join(csv_report.render(made))
    assert text.startswith(csv_report.BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(csv_report.BYTE_ORDER_MARK), newline="")))


def test_one_line_an_endpoint_with_what_matters() -> None:
    first, second = rows(report(factories.result("pc-1", "non_compliant"), factories.result("pc-2", "unknown")))
    assert first["host"] == "pc-1"
    assert first["state"] == "non_compliant"
    assert first["cause"] == "cipher_mismatch"
    assert first["owner"] == "Domain GPO: TLS baseline"
    assert first["last_update_code"] == "-3000"
    assert second["error_kind"] == "unreachable"
    assert second["build"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "\uff0d"])
def test_a_formula_from_an_endpoint_is_text(start: str) -> None:
    host = f"{start}cmd|' /C calc'!A0"
    (row,) = rows(report(factories.result(host)))
    assert row["host"] == f"'{host}"


@given(st.text())
def test_no_cell_begins_as_a_formula_and_nothing_is_lost(text: str) -> None:
    shown = csv_report.cell(text)
    assert not shown.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown.removeprefix("'") == text.replace("\x00", "").removeprefix("'") or shown == text


def test_awkward_names_stay_in_their_cell() -> None:
    host = 'a,"b"\r\nc; 한국'
    (row,) = rows(report(factories.result(host)))
    assert row["host"] == host
