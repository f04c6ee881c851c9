# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""Raw questions and answers as JSON, without what names an account, a computer or an address."""

from __future__ import annotations

import base64
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.fleetops.tetra.plugins.plugin_utils.conversation.statements import Statement, UInt32


def plain_statements(statements: t.Sequence[Statement]) -> list[t.Any]:
    """Statements as plain JSON: the same question always gives the same."""
    return [
        [
            {
                "name": command.name,
                "parameters": [[name, _plain(value)] for name, value in command.parameters],
                "merge_errors": command.merge_errors,
            }
            for command in statement
        ]
        for statement in statements
    ]


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, UInt32):
        return {"unsigned": value.value}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@dataclass
class Redaction:
    """Words that must not be kept, and what stands in their place. Case does not count; the longest goes first.

    Only answers are redacted: the questions hold nothing of the endpoint, and must stay as the product asks them.
    """

    words: dict[str, str]

    @classmethod
    def of(cls, variables: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any]) -> Redaction:
        """From the connection's variables and the endpoint's own name."""
        account = str(variables.get("ansible_user") or "")
        words = dict.fromkeys(re.split(r"[\\@]", account), "ACCOUNT")
        words[account] = "ACCOUNT"
        words[str(variables.get("ansible_host") or "")] = "ADDRESS"
        words[str((facts.get("os") or {}).get("computer_name") or "")] = "COMPUTER"
        for name in ("ansible_password", "ansible_winrm_password", "ansible_winrm_pass"):
            words[str(variables.get(name) or "")] = "PASSWORD"
        return cls({word: stand_in for word, stand_in in words.items() if len(word) > 2})

    def document(self, recording: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The recording without these words and without the inventory's name of the endpoint."""
        pipelines = [
            {key: value if key == "statements" else self(value) for key, value in entry.items()}
            for entry in recording["pipelines"]
        ]
        facts = {**self(recording["facts"]), "host": "HOST"}
        table = self(recording["version_table"])
        return {**recording, "host": "HOST", "version_table": table, "pipelines": pipelines, "facts": facts}

    def __call__(self, value: t.Any) -> t.Any:
        """The same JSON with every such word replaced, in keys too."""
        if isinstance(value, str):
            for word in sorted(self.words, key=len, reverse=True):
                pattern = rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"
                value = re.sub(pattern, self.words[word], value, flags=re.IGNORECASE)
            return value
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self(item) for key, item in value.items()}
        return value
