# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Expressions over one result object, JMESPath everywhere: the ``where`` of a report, the ``site_by`` of the history.

The expression sees a result as it lies in the run folder: ``host``, ``facts``, ``verdict``, ``timing``, ``error``.
A result is selected when the expression is true in JMESPath's sense: not false, null, or an empty string, list or
object.
"""

from __future__ import annotations

import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.listing import first_line
from ansible_collections.fleetops.tetra.plugins.plugin_utils.report.errors import ReportError

try:
    import jmespath
    import jmespath.exceptions

    JMESPATH_IMPORT_ERROR: ImportError | None = None
except ImportError as exc:
    JMESPATH_IMPORT_ERROR = exc


class Expression:
    """A compiled expression over results."""

    def __init__(self, option: str, expression: str) -> None:
        """``option`` names it in sentences. Raises ReportError when it is invalid or the library is missing."""
        if JMESPATH_IMPORT_ERROR is not None:
            raise ReportError(
                f"The option {option} needs the Python library jmespath on the controller; install it with pip."
            ) from JMESPATH_IMPORT_ERROR
        self.expression = expression
        try:
            self._compiled = jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as exc:
            raise ReportError(
                f"The option {option} is not a JMESPath expression: {expression!r}: {first_line(exc)}."
            ) from exc

    def value(self, result: t.Mapping[str, t.Any]) -> t.Any:
        """What it comes to on one result. Raises CannotBeAsked where it fails there."""
        try:
            return self._compiled.search(result)
        except jmespath.exceptions.JMESPathError as exc:
            raise CannotBeAsked(first_line(exc)) from exc

    def text(self, result: t.Mapping[str, t.Any]) -> str:
        """Its value where that is a text, else an empty one."""
        try:
            found = self.value(result)
        except CannotBeAsked:
            return ""
        return found if isinstance(found, str) else ""


class CannotBeAsked(Exception):
    """An expression fails on a result (say, a string function on null)."""


class Where(Expression):
    """An expression that chooses results and counts those on which it could not be evaluated."""

    def __init__(self, expression: str) -> None:
        """Raises ReportError when the expression is invalid or the library is missing."""
        super().__init__("where", expression)
        self.failed: list[str] = []
        self.first_failure = ""
        self.seen = 0

    def selects(self, result: t.Mapping[str, t.Any]) -> bool:
        """False also where the expression fails on this result (say, a string function on null); that is counted."""
        self.seen += 1
        try:
            value = self.value(result)
        except CannotBeAsked as exc:
            if not self.failed:
                self.first_failure = str(exc)
            self.failed.append(str(result.get("host")))
            return False
        return not (value is None or value is False or value in ("", [], {}))

    def problem(self) -> str | None:
        """One sentence on the results that could not be asked, or None. Raises ReportError when it was all of them."""
        if not self.failed:
            return None
        example = f"{self.failed[0]}: {self.first_failure}"
        if len(self.failed) == self.seen:
            raise ReportError(f"The option where failed on every endpoint: {self.expression!r}: {example}.")
        return (
            f"The option where could not be evaluated on {len(self.failed)} of {self.seen} endpoints,"
            f" which are left out (first: {example})."
        )
