# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!
"""The summary by mail, with the page attached."""

from __future__ import annotations

import contextlib
import email.message
import email.policy
import email.utils
import gzip
import mimetypes
import smtplib
import ssl
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.plugins.module_utils.telling.messages import Notice
from ansible_collections.fleetops.tetra.plugins.plugin_utils.telling.errors import TellingError

Security = t.Literal["starttls", "tls", "none"]
PORTS: t.Final[t.Mapping[str, int]] = {"starttls": 587, "tls": 465, "none": 25}
MOST_BYTES: t.Final = 20 * 1024 * 1024
"""Of all attachments; what is larger is compressed, and left out where that does not do."""
_MOST_POINTS: t.Final = 20
_LOOPBACK: t.Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Post:
    """The SMTP server and who writes to whom. ``timeout``: seconds for each step."""

    host: str
    port: int
    security: Security
    sender: str
    to: t.Sequence[str]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None
    timeout: float = 30.0

    @property
    def name(self) -> str:
        """As sentences name it."""
        return f"{self.host}:{self.port}"


def compose(notice: Notice, post: Post, subject: str | None, files: t.Sequence[Path]) -> email.message.EmailMessage:
    """The message. Errors: TellingError (an address or subject that is none, a file that cannot be read)."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    try:
        message["From"] = post.sender
        message["To"] = ", ".join(post.to)
        message["Subject"] = subject or f"{notice.title}: {notice.lines[0]}"
        if not message["From"].addresses or len(message["To"].addresses) != len(post.to):
            raise ValueError
    except (ValueError, IndexError):
        raise TellingError(
            "The mail's sender, recipients or subject are none: write addresses as name@domain."
        ) from None
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = email.utils.make_msgid("tetra", "fleetops.tetra.invalid")
    message["Auto-Submitted"] = "auto-generated"
    attached, left_out = _attachments(files)
    lines = [*notice.lines, "", *(f"- {point}" for point in notice.points[:_MOST_POINTS])]
    lines += [f"- And {len(notice.points) - _MOST_POINTS} more."] if len(notice.points) > _MOST_POINTS else []
    lines += ["", notice.foot]
    lines += [f"{name} is too large for a mail ({size >> 20} MiB)." for name, size in left_out]
    message.set_content("\n".join(lines) + "\n")
    for name, content in attached:
        kind, encoding = mimetypes.guess_type(name)
        main, _slash, sub = ("application/gzip" if encoding else kind or "application/octet-stream").partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def send(post: Post, message: email.message.EmailMessage) -> None:
    """Hands the message over to the server, to all recipients or to none. Errors: TellingError."""
    if post.password and post.security == "none" and post.host not in _LOOPBACK:
        raise TellingError(f"The password for the mail server {post.name} would go in clear: use starttls or tls.")
    try:
        with _connected(post) as server:
            refused = server.send_message(message)
    except ssl.SSLCertVerificationError:
        by = f"the CA file {post.ca}" if post.ca else "the system's CAs"
        raise TellingError(f"The certificate of the mail server {post.name} cannot be trusted by {by}.") from None
    except ssl.SSLError as error:
        raise TellingError(f"The mail server {post.name} does not speak TLS ({error.reason}).") from None
    except smtplib.SMTPAuthenticationError:
        raise TellingError(f"The mail server {post.name} does not take the user or the password.") from None
    except smtplib.SMTPNotSupportedError:
        raise TellingError(f"The mail server {post.name} offers no {_missing(post)}: nothing was sent.") from None
    except smtplib.SMTPRecipientsRefused:
        raise TellingError(f"The mail server {post.name} takes none of the recipients.") from None
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise TellingError(f"The mail server {post.name} refuses the mail: {error.smtp_code} {said[:200]}.") from None
    except smtplib.SMTPException:
        raise TellingError(f"The mail server {post.name} broke off.") from None
    except TimeoutError:
        raise TellingError(f"The mail server {post.name} does not answer within {post.timeout:g} s.") from None
    except OSError as error:
        raise TellingError(
            f"The mail server {post.name} cannot be reached: {error.strerror or 'broken off'}."
        ) from None
    if refused:
        raise TellingError(
            f"The mail server {post.name} takes {len(refused)} of the recipients not; the others have it."
        )


@contextlib.contextmanager
def _connected(post: Post) -> t.Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cafile=post.ca) if post.security != "none" else None
    with (
        smtplib.SMTP_SSL(post.host, post.port, timeout=post.timeout, context=context)
        if post.security == "tls"
        else smtplib.SMTP(post.host, post.port, timeout=post.timeout)
    ) as server:
        if post.security == "starttls":
            server.starttls(context=context)
        if post.username:
            server.login(post.username, post.password or "")
        yield server


def _missing(post: Post) -> str:
    return "STARTTLS" if post.security == "starttls" else "log-in"


def _attachments(files: t.Sequence[Path]) -> tuple[list[tuple[str, bytes]], list[tuple[str, int]]]:
    attached: list[tuple[str, bytes]] = []
    left_out: list[tuple[str, int]] = []
    room = MOST_BYTES
    for path in files:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TellingError(f"The attachment {path} cannot be read: {error.strerror}.") from None
        name = path.name
        if len(content) > min(room, MOST_BYTES // 4):
            name, content = f"{path.name}.gz", gzip.compress(content, mtime=0)
        if len(content) > room:
            left_out.append((path.name, path.stat().st_size))
            continue
        room -= len(content)
        attached.append((name, content))
    return attached, left_out
