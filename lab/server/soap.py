# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes of WS-Man: reading requests, writing answers and faults in the recorded form."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
}
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer/"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WSMAN_FAULT = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
ADDRESSING_FAULT = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_DURATION = re.compile(r"-?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


@dataclass(frozen=True)
class Request:
    """What a request asks for."""

    action: str
    message_id: str
    resource_uri: str
    to: str
    timeout: float
    """Seconds of OperationTimeout; 60, the Windows default, where the client names none."""
    max_envelope: int
    selectors: dict[str, str]
    body: ElementTree.Element | None

    @property
    def shell_id(self) -> str:
        return self.selectors.get("ShellId", "")

    def content(self, path: str) -> ElementTree.Element | None:
        """The first element at this path below the body."""
        return None if self.body is None else self.body.find(path, NAMESPACES)


@dataclass(eq=False)
class Fault(Exception):
    """An answer that refuses."""

    code: int
    subcode: str
    reason: str
    message: str = ""
    side: str = "Sender"
    detail: str = ""
    action: str = WSMAN_FAULT


class NotSoap(Exception):
    """The body is no WS-Man envelope."""


def parse(body: bytes) -> Request:
    """Reads a request. Raises NotSoap where it is none."""
    try:
        envelope = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError) as problem:
        raise NotSoap(str(problem)) from None
    if not envelope.tag.endswith("}Envelope"):
        raise NotSoap(f"the root element is {envelope.tag}")

    def text(path: str) -> str:
        found = envelope.findtext(f"s:Header/{path}", "", NAMESPACES)
        return found.strip()

    seconds = duration(text("w:OperationTimeout"))
    size = text("w:MaxEnvelopeSize")
    selectors = envelope.iterfind("s:Header/w:SelectorSet/w:Selector", NAMESPACES)
    return Request(
        action=text("a:Action"),
        message_id=envelope.findtext("s:Header/a:MessageID", "", NAMESPACES),
        resource_uri=text("w:ResourceURI"),
        to=text("a:To"),
        timeout=60.0 if seconds is None else seconds,
        max_envelope=int(size) if size.isdecimal() else 153600,
        selectors={s.get("Name", ""): (s.text or "").strip() for s in selectors},
        body=envelope.find("s:Body", NAMESPACES),
    )


def duration(text: str) -> float | None:
    """Seconds of an xs:duration without years and months; None where there is none or it cannot be read."""
    match = _DURATION.match(text)
    if match is None or len(text) < 3:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def answer(request: Request, action: str, body: str, prefixes: str = "sawp") -> bytes:
    """An envelope that answers the request. ``prefixes`` are the one-letter namespaces besides rsp."""
    spaces = "".join(f' xmlns:{name}="{NAMESPACES[name]}"' for name in prefixes)
    return (
        f'<s:Envelope xml:lang="en-US"{spaces} xmlns:rsp="{SHELL}"><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{_new_id()}</a:MessageID><p:ActivityId>{_new_id()}</p:ActivityId>"
        f"<a:To>{_ANONYMOUS}</a:To><a:RelatesTo>{escape(request.message_id)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault(message_id: str, problem: Fault, machine: str) -> bytes:
    """The envelope of a fault, in the recorded form."""
    spaces = "".join(f' xmlns:{name}="{NAMESPACES[name]}"' for name in "saxenwp")
    detail = f"<w:FaultDetail>{problem.detail}</w:FaultDetail>" if problem.detail else ""
    return (
        f'<s:Envelope xml:lang="en-US"{spaces}><s:Header><a:Action>{problem.action}</a:Action>'
        f"<a:MessageID>uuid:{_new_id()}</a:MessageID><a:To>{_ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(message_id)}</a:RelatesTo></s:Header><s:Body><s:Fault><s:Code>"
        f"<s:Value>s:{problem.side}</s:Value><s:Subcode><s:Value>{problem.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(problem.reason)}</s:Text></s:Reason><s:Detail>{detail}'
        f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{problem.code}" '
        f"Machine={quoteattr(machine)}><f:Message>{escape(problem.message or problem.reason)}</f:Message>"
        "</f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def identification(product_version: str) -> bytes:
    """The answer to Identify (MS-WSMV, DSP0226 11)."""
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{NAMESPACES["s"]}"><s:Header/><s:Body>'
        f'<wsmid:IdentifyResponse xmlns:wsmid="{IDENTITY}">'
        f"<wsmid:ProtocolVersion>{NAMESPACES['w']}</wsmid:ProtocolVersion>"
        "<wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        f"<wsmid:ProductVersion>{escape(product_version)}</wsmid:ProductVersion></wsmid:IdentifyResponse>"
        "</s:Body></s:Envelope>"
    ).encode()


def _new_id() -> str:
    return str(uuid.uuid4()).upper()
