# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook tell, as a user runs it, against receivers that the tests start: rsyslog, SMTP, HTTPS."""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from prometheus_client.openmetrics import parser

from ansible_collections.fleetops.tetra.lab.certificates import Authority
from ansible_collections.fleetops.tetra.tests.unit.plugin_utils.report import factories

SECRET = "a secret of the webhook, long enough"
PASSWORD = "a password of the mail"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.listener()
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run-1"
    return factories.write_run(folder, factories.fleet_results(40), run_id="run-1")


class WebServer:
    """Keeps what is posted to it; ``statuses``: what the first requests get instead of 200."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                status = keeper.statuses.pop(0) if keeper.statuses else 200
                if status == 200:
                    keeper.got.append(({name.lower(): value for name, value in self.headers.items()}, content))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web(authority: Authority) -> t.Iterator[WebServer]:
    server = WebServer(authority.listener().context)
    yield server
    server.close()


class Mailbox:
    """What aiosmtpd hands over."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], email.message.EmailMessage]] = []

    async def handle_DATA(self, _server: t.Any, _session: t.Any, envelope: t.Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        self.got.append((envelope.rcpt_tos, message))
        return "250 OK"


@pytest.fixture
def mailbox(authority: Authority) -> t.Iterator[tuple[Mailbox, int]]:
    def authenticate(_server: t.Any, _session: t.Any, _envelope: t.Any, mechanism: str, data: t.Any) -> AuthResult:
        return AuthResult(success=mechanism in ("PLAIN", "LOGIN") and data.password == PASSWORD.encode(), handled=False)

    kept = Mailbox()
    port = free_port()
    controller = Controller(
        kept, "127.0.0.1", port, tls_context=authority.listener().context, require_starttls=True,
        auth_required=True, authenticator=authenticate,
    )  # fmt: skip
    controller.start()
    yield kept, port
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def rsyslog(folder: Path, authority: Authority, protocol: str) -> t.Iterator[tuple[Path, int]]:
    """A real rsyslogd that writes each message's text and head as a line."""
    port, out = free_port(), folder / "received.log"
    certificate = authority.folder / "listener.pem"
    listen = {
        "udp": f'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{port}")',
        "tcp": f'module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="{port}")',
        "tls": f'global(defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{authority.file}"'
        f' defaultNetstreamDriverCertFile="{certificate}" defaultNetstreamDriverKeyFile="{certificate}")\n'
        'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")\n'
        f'input(type="imtcp" address="127.0.0.1" port="{port}")',
    }[protocol]
    configuration = folder / "rsyslog.conf"
    configuration.write_text(
        f'global(workDirectory="{folder}" maxMessageSize="16k")\n{listen}\n'
        'template(name="line" type="string"'
        ' string="%syslogfacility-text% %syslogseverity% %app-name% %msgid% %msg%\\n")\n'
        f'action(type="omfile" file="{out}" template="line" fileCreateMode="0644" asyncWriting="off"'
        ' flushOnTXEnd="on")\n'
    )
    server = subprocess.Popen(
        ["rsyslogd", "-n", "-f", str(configuration), "-i", str(folder / "pid")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(lambda: (protocol == "udp" and (folder / "pid").exists()) or (protocol != "udp" and _listens(port)))
        yield out, port
    finally:
        server.terminate()
        server.wait(30)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


def _wait(until: t.Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not until():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.1)


def lines(path: Path, number: int) -> list[str]:
    _wait(lambda: path.exists() and len(path.read_text().splitlines()) >= number)
    return path.read_text(encoding="utf-8-sig").splitlines()


def tell(folder: Path, run: Path, **variables: t.Any) -> subprocess.CompletedProcess[str]:
    given = {"tetra_tell_run": str(run), **{f"tetra_tell_{name}": value for name, value in variables.items()}}
    (folder / "vars.json").write_text(json.dumps(given))
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,",
        "fleetops.tetra.tell", "-vvv", "-e", "@vars.json",
    ]  # fmt: skip
    environment = {**os.environ, "no_proxy": "127.0.0.1,localhost"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_every_way_is_off_until_its_variable_is_set(tmp_path: Path, run: Path) -> None:
    done = tell(tmp_path, run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vars.json"]


@pytest.mark.needs("rsyslogd")
def test_everybody_is_told(
    tmp_path: Path, run: Path, authority: Authority, web: WebServer, mailbox: tuple[Mailbox, int]
) -> None:
    kept, smtp = mailbox
    page = tmp_path / "index.html"
    page.write_text("<p>the page</p>")
    ca = str(authority.file)
    web.statuses = [503]
    address = f"https://localhost:{web.port}/services/T0/B0/very-secret"
    with rsyslog(tmp_path, authority, "tls") as (received, port):
        done = tell(
            tmp_path,
            run,
            metrics=str(tmp_path / "out" / "tetra.prom"),
            ocsf=str(tmp_path / "out" / "ocsf.jsonl"),
            tickets=str(tmp_path / "out" / "tickets"),
            syslog={"host": "localhost", "port": port, "ca_cert": ca},
            webhooks=[
                {"url": address, "secret": SECRET, "ca_cert": ca},
                {"url": address, "format": "teams", "ca_cert": ca},
                {"url": address, "format": "slack", "ca_cert": ca},
            ],
            mail={
                "host": "localhost", "port": smtp, "sender": "tetra@example.com", "username": "tetra",
                "password": PASSWORD, "to": ["one@example.com", "two@example.com"], "attach": [str(page)],
                "ca_cert": ca,
            },
            strict=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        seen = lines(received, 12)
    for secret in (SECRET, PASSWORD, "very-secret"):
        assert secret not in done.stdout + done.stderr
    assert len(seen) == 12
    assert seen[0].startswith("local0 4 fleetops.tetra CEF ")
    assert "CEF:0|fleetops|fleetops.tetra|" in seen[0]
    assert sum("outcome=non_compliant" in line for line in seen) == 8
    assert sum("outcome=unknown" in line for line in seen) == 4

    headers, content = web.got[0]
    wanted = hmac.new(SECRET.encode(), content, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={wanted}"
    assert json.loads(content)["states"]["non_compliant"] == 8
    assert json.loads(web.got[1][1])["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert json.loads(web.got[2][1])["blocks"]
    assert len(web.got) == 3

    recipients, message = kept.got[0]
    assert recipients == ["one@example.com", "two@example.com"]
    assert "8 of 40 endpoints cannot fetch" in str(message["Subject"])
    text = message.get_body(("plain",))
    assert text is not None
    assert "GPO TLS baseline 13 keeps" in text.get_content()
    assert [part.get_content() for part in message.iter_attachments()] == ["<p>the page</p>"]

    out = tmp_path / "out"
    assert stat.S_IMODE((out / "tetra.prom").stat().st_mode) == 0o644
    found = list(parser.text_string_to_metric_families((out / "tetra.prom").read_text()))
    assert "tetra_endpoints" in {family.name for family in found}
    events = [json.loads(line) for line in (out / "ocsf.jsonl").read_text().splitlines()]
    assert len(events) == 40
    assert {event["class_uid"] for event in events} == {2003}
    tickets = json.loads((out / "tickets" / "tickets.json").read_text())["tickets"]
    assert sum(ticket["endpoints"] for ticket in tickets) == 8
    assert {f"{ticket['key']}.md" for ticket in tickets} < {path.name for path in (out / "tickets").iterdir()}


@pytest.mark.needs("rsyslogd")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_syslog_without_tls(tmp_path: Path, run: Path, authority: Authority, protocol: str) -> None:
    with rsyslog(tmp_path, authority, protocol) as (received, port):
        states = ["non_compliant"]
        done = tell(tmp_path, run, syslog={"host": "127.0.0.1", "port": port, "protocol": protocol, "states": states})
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(lines(received, 8)) == 8
    assert ("nobody knows" in done.stdout) == (protocol == "udp")


def test_who_cannot_be_told_is_a_sentence_and_keeps_nobody_else_from_it(
    tmp_path: Path, run: Path, authority: Authority, web: WebServer, mailbox: tuple[Mailbox, int]
) -> None:
    _kept, smtp = mailbox
    ca = str(authority.file)
    address = f"https://localhost:{web.port}/very-secret"
    web.statuses = [302, 404]
    full = tmp_path / "a-file"
    full.write_text("")
    variables: dict[str, t.Any] = {
        "metrics": str(full / "tetra.prom"),
        "syslog": {"host": "127.0.0.1", "port": free_port(), "protocol": "tcp"},
        "webhooks": [
            {"url": address, "ca_cert": ca},
            {"url": address, "ca_cert": ca},
            {"url": address},
            {"url": "http://chat.example.com/very-secret"},
            {"url": address, "ca_cert": ca, "secret": "too short"},
            {"url": address, "ca_cert": ca},
        ],
        "mail": {
            "host": "localhost", "port": smtp, "sender": "tetra@example.com", "to": ["one@example.com"],
            "username": "tetra", "password": "wrong-password", "ca_cert": ca,
        },
    }  # fmt: skip
    done = tell(tmp_path, run, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    for sentence in (
        "The report cannot be written to",
        "Connection refused",
        "it sends elsewhere, which is refused",
        "it is not there any more",
        "cannot be trusted by the system's CAs",
        "use https, since the address is a key",
        "fewer than 16 bytes",
        "does not take the user or the password",
    ):
        assert sentence in said, sentence
    assert "very-secret" not in said
    assert "wrong-password" not in said
    assert "Traceback" not in said
    assert len(web.got) == 1
    web.statuses = [404]
    done = tell(tmp_path, run, strict=True, webhooks=[{"url": address, "ca_cert": ca, "tries": 0}])
    assert done.returncode == 2


def test_a_mail_is_not_sent_in_clear(tmp_path: Path, run: Path) -> None:
    kept = Mailbox()
    controller = Controller(kept, "127.0.0.1", free_port())
    controller.start()
    try:
        post = {"host": "127.0.0.1", "port": controller.port, "sender": "a@example.com", "to": ["b@example.com"]}
        done = tell(tmp_path, run, mail=post, strict=True)
        assert done.returncode == 2
        assert "offers no STARTTLS: nothing was sent" in " ".join(done.stdout.split())
        assert kept.got == []
        done = tell(tmp_path, run, mail={**post, "security": "none"}, strict=True)
        assert done.returncode == 0, done.stdout
        assert len(kept.got) == 1
    finally:
        controller.stop()


def test_tickets_of_owners_who_keep_nobody_any_more_go(tmp_path: Path, run: Path) -> None:
    folder = tmp_path / "tickets"
    assert tell(tmp_path, run, tickets=str(folder)).returncode == 0
    (folder / "own notes.md").write_text("mine")
    healed = factories.write_run(tmp_path / "run-2", [factories.result("pc1")], run_id="run-2", token="token-2")
    assert tell(tmp_path, healed, tickets=str(folder)).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["own notes.md", "tickets.json"]
