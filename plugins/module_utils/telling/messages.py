# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The bodies of a webhook: plain JSON, an Adaptive Card for Microsoft Teams, Block Kit for Slack; and its signatures.

Teams: a Workflow with the trigger "When a Teams webhook request is received" takes a message with ``attachments``, each
an Adaptive Card, and nothing else (learn.microsoft.com, connectors-using). Slack: ``text`` is what a notification
shows; a section holds 3,000 characters, ``&``, ``<`` and ``>`` are escaped (docs.slack.dev).

Signatures: Standard Webhooks (``webhook-id``, ``webhook-timestamp``, ``webhook-signature: v1,BASE64``), and the form
of GitHub, which receivers such as Event-Driven Ansible know (``x-hub-signature-256: sha256=HEX``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import typing as t

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.summary import Told, sentences

SCHEMA: t.Final = "fleetops.tetra/told/1"
Format = t.Literal["plain", "teams", "slack"]
_MOST_POINTS: t.Final = 5
_MOST_HOSTS: t.Final = 100
_SECTION: t.Final = 2900


class SecretError(Exception):
    """A secret that cannot be meant. The text is one sentence and does not hold it."""


class Notice(t.NamedTuple):
    """What a message says. ``lines``: the first is the headline; ``points``: listed; ``document``: for machines."""

    title: str
    lines: list[str]
    facts: dict[str, str]
    points: list[str]
    foot: str
    document: dict[str, t.Any]


def notice_of(told: Told) -> Notice:
    """The notice of a run. Of each ticket the document has at most 100 hosts; ``endpoints`` says how many there are."""
    tickets = [{**ticket, "hosts": ticket["hosts"][:_MOST_HOSTS]} for ticket in told["tickets"]]
    return Notice(
        "Tetra definitions",
        sentences(told),
        {name.replace("_", " "): f"{number:,}" for name, number in told["states"].items()},
        [f"{ticket['title']}." for ticket in told["tickets"]],
        f"Run {told['run_id']}, begun {told['started_at']}.",
        {"schema": SCHEMA, **told, "tickets": tickets},
    )


def message(notice: Notice, form: Format) -> bytes:
    """The body as UTF-8."""
    made = notice.document if form == "plain" else teams(notice) if form == "teams" else slack(notice)
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def teams(notice: Notice) -> dict[str, t.Any]:
    """A message with one card of version 1.4."""
    first, *rest = notice.lines
    facts = [{"title": name, "value": value} for name, value in notice.facts.items()]
    content: list[dict[str, t.Any]] = [
        {"type": "TextBlock", "size": "Large", "weight": "Bolder", "text": _markdown(notice.title), "wrap": True},
        {"type": "TextBlock", "text": _markdown(first), "wrap": True},
        *([{"type": "FactSet", "facts": facts}] if facts else []),
        *({"type": "TextBlock", "text": _markdown(line), "wrap": True} for line in rest),
        *({"type": "TextBlock", "text": f"- {_markdown(line)}", "wrap": True} for line in _shown(notice.points)),
        {"type": "TextBlock", "text": _markdown(notice.foot), "wrap": True, "isSubtle": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": content,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def slack(notice: Notice) -> dict[str, t.Any]:
    """Text and blocks."""
    blocks: list[dict[str, t.Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": notice.title[:150]}},
        {"type": "section", "text": {"type": "mrkdwn", "text": _mrkdwn("\n".join(notice.lines))}},
    ]
    if notice.points:
        listed = "\n".join(f"• {line}" for line in _shown(notice.points))
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _mrkdwn(listed)}})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _mrkdwn(notice.foot)}]})
    return {"text": _mrkdwn(notice.lines[0]), "blocks": blocks}


def signatures(body: bytes, secret: str, identifier: str, at: int) -> dict[str, str]:
    """The headers for a body. ``at``: seconds since 1970. Errors: SecretError."""
    key = _key(secret)
    signed = b".".join((identifier.encode("ascii"), str(at).encode("ascii"), body))
    standard = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{standard}",
        "x-hub-signature-256": "sha256=" + hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest(),
    }


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        key = secret.encode("utf-8")
    else:
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise SecretError("The webhook's secret begins with whsec_ and does not go on as base64.") from None
    if len(key) < 16:
        raise SecretError("The webhook's secret has fewer than 16 bytes: make a longer one.")
    return key


def _shown(points: list[str]) -> list[str]:
    shown = points[:_MOST_POINTS]
    rest = len(points) - len(shown)
    return [*shown, f"And {rest:,} more."] if rest else shown


def _markdown(text: str) -> str:
    """Names are shown and never taken for links or emphasis."""
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>#" else mark for mark in text[:_SECTION])


def _mrkdwn(text: str) -> str:
    """Escaped, and cut between two signs where it is too long after that."""
    found = ""
    for mark in text:
        written = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(mark, mark)
        if len(found) + len(written) > _SECTION:
            break
        found += written
    return found
