# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers an audit with what the lab answered once, in well under a millisecond a request.

    python tests/benchmarks/replay.py RECORDED.json WORK-DIR [--scheme http|https] [--auth basic|ntlm] [--delay SECONDS]

The lab computes its answers, which costs 13 to 16 ms an endpoint: beside that a fast client cannot be measured. The
recording is made from the lab (``record``), with error records made as large as those of a real engine. A replayed
answer has only its RelatesTo exchanged; pypsrp compares nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import pathlib
import re
import struct
import sys
import typing as t

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT / "build" / "dev"))

from ansible_collections.fleetops.tetra.lab.certificates import Authority  # noqa: E402
from ansible_collections.fleetops.tetra.lab.server import http, sealing  # noqa: E402
from ansible_collections.fleetops.tetra.lab.server.authentication import Accounts, Authenticator  # noqa: E402
from ansible_collections.fleetops.tetra.lab.transport import Transport  # noqa: E402

ERROR_RECORD = 0x00041005
REAL_SIZE = 7500
"""Bytes of CLIXML: the median of the error records of a real engine."""
_RELATES = re.compile(rb"(<a:RelatesTo>)[^<]*")
_MESSAGE_ID = re.compile(rb"MessageID>([^<]+)<")
_STREAM = re.compile(rb"(<rsp:Stream [^>]*>)([^<]+)(</rsp:Stream>)")
_FRAGMENT = struct.Struct(">QQBI")


def enlarged(envelope: bytes) -> bytes:
    """The answer with its error records as large as real ones. Records of several fragments stay as they are."""

    def stream(match: re.Match[bytes]) -> bytes:
        data, out = base64.b64decode(match[2]), b""
        while data:
            number, part, flags, size = _FRAGMENT.unpack_from(data)
            body, data = data[_FRAGMENT.size : _FRAGMENT.size + size], data[_FRAGMENT.size + size :]
            # Destination (4), type (4), runspace pool (16), pipeline (16), CLIXML.
            if flags == 3 and struct.unpack_from("<I", body, 4)[0] == ERROR_RECORD and body.endswith(b"</MS></Obj>"):
                missing = REAL_SIZE - (len(body) - 40)
                if missing > 0:
                    filler = b'<S N="PositionMessage">' + b"At line:1 char:1 + ".ljust(missing, b"~") + b"</S>"
                    body = body[: -len(b"</MS></Obj>")] + filler + b"</MS></Obj>"
            out += _FRAGMENT.pack(number, part, flags, len(body)) + body
        return match[1] + base64.b64encode(out) + match[3]

    return _STREAM.sub(stream, envelope)


class Replay:
    """One recorded endpoint on a port of its own; ``answers`` is a list of (status, envelope)."""

    def __init__(self, answers: list[tuple[int, bytes]], transport: Transport, accounts: Accounts) -> None:
        self._transport = transport
        self._accounts = accounts
        self._answers = []
        for status, envelope in answers:
            match = _RELATES.search(envelope)
            assert match is not None
            self._answers.append((status, envelope[: match.end(1)], envelope[match.end() :]))
        self.certificate_hash: bytes | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        authenticator = Authenticator(self._transport, self._accounts, self.certificate_hash)
        position = 0
        try:
            while True:
                request = await http.read_request(reader)
                if request is None:
                    break
                if self._transport.delay:
                    await asyncio.sleep(self._transport.delay)
                welcome, headers = authenticator.check(request)
                if not welcome or not request.body:
                    writer.write(http.response(200 if welcome else 401, headers=headers))
                    continue
                context = authenticator.context
                sealed = context is not None and request.headers.get("content-type", "").startswith("multipart")
                body = sealing.unseal(request.body, context) if sealed and context is not None else request.body
                asked = _MESSAGE_ID.search(body)
                if position == len(self._answers):
                    # Asked for more than the recording holds: it is older than the questions.
                    break
                status, before, after = self._answers[position]
                position += 1
                envelope = before + (asked[1] if asked else b"") + after
                if sealed and context is not None:
                    envelope, kind = sealing.seal(envelope, context), sealing.content_type()
                    writer.write(http.response(status, envelope, kind, headers))
                else:
                    writer.write(http.response(status, envelope, headers=headers))
        except (ConnectionError, http.BadRequest):
            pass
        finally:
            writer.close()


async def main(arguments: t.Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recorded", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--scheme", default="http")
    parser.add_argument("--auth", default="basic")
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    transport = Transport(scheme=options.scheme, auth=(options.auth,), delay=options.delay)
    accounts = Accounts.of(transport, options.work)
    authority = Authority(options.work)
    tls = authority.listener("") if transport.tls else None
    ports = {}
    for name, answers in json.loads(options.recorded.read_text(encoding="utf-8")).items():
        replay = Replay([(status, enlarged(body.encode())) for status, body in answers], transport, accounts)
        replay.certificate_hash = tls.certificate_hash if tls else None
        context = tls.context if tls else None
        server = await asyncio.start_server(replay.serve, "127.0.0.1", 0, ssl=context, backlog=1024)
        ports[name] = server.sockets[0].getsockname()[1]
    ready = {"ports": ports, "user": transport.user, "password": transport.password, "ca": str(authority.file)}
    (options.work / "ready.part").write_text(json.dumps(ready), encoding="utf-8")
    (options.work / "ready.part").replace(options.work / "ready.json")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
