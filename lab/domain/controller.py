# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain controller: Samba, provisioned into a folder and started in a network namespace of its own.

Needs root, iproute2 and Debian's packages samba, samba-ad-dc, samba-ad-provision, samba-dsdb-modules and winbind. The
controller has an address of its own that this machine reaches over a pair of virtual interfaces, so its ports meet
nobody's. Nothing of it is left when the ``with`` ends.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.fleetops.tetra.lab.errors import FleetError

REALM, DOMAIN, HOST = "LAB.TEST", "LAB", "dc1"
NAME = f"{HOST}.{REALM.lower()}"
BASE = "DC=lab,DC=test"
PASSWORD = "Lab-Adm1n-of-the-domain"
_NETWORK = ipaddress.ip_network("10.213.0.0/16")
_PORTS = (88, 389, 445, 636)
_START_SECONDS = 120.0
_RUN = "/run/samba"
"""Where Samba's programs look for each other. A controller sees its own folder there."""


def why_not() -> str | None:
    """One sentence where no domain controller can run here."""
    if os.geteuid() != 0:
        return "a domain controller in a network namespace needs root"
    needed = ("ip", "samba", "samba-tool", "smbclient", "ldbadd")
    missing = [name for name in needed if shutil.which(name, path=_path()) is None]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install iproute2 samba samba-ad-dc smbclient ldb-tools"
    if not Path("/usr/share/samba/setup/ad-schema").is_dir():
        return "samba-ad-provision is missing: apt-get install samba-ad-provision"
    return None


@dataclass
class Controller:
    """A running domain controller."""

    address: str
    folder: Path
    namespace: str
    name: str = NAME
    password: str = PASSWORD
    user: str = f"administrator@{REALM}"
    ca_file: Path = field(init=False)
    configuration: Path = field(init=False)

    def __post_init__(self) -> None:
        self.ca_file = self.folder / "private" / "tls" / "ca.pem"
        self.configuration = self.folder / "etc" / "smb.conf"

    @property
    def sysvol(self) -> Path:
        return self.folder / "state" / "sysvol" / REALM.lower()

    @property
    def krb5_conf(self) -> Path:
        return self.folder / "krb5.conf"

    @property
    def database(self) -> Path:
        return self.folder / "private" / "sam.ldb"

    def tool(self, *arguments: str, check: bool = True) -> str:
        """``samba-tool`` on this domain; its output."""
        command = ["samba-tool", *arguments, "-s", str(self.configuration)]
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace, *command],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": _path()},
        )
        if check and done.returncode:
            raise FleetError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout


@contextlib.contextmanager
def running_controller(folder: Path, populate: t.Callable[[Controller], None] | None = None) -> t.Iterator[Controller]:
    """Provisions and starts one; ``populate`` writes into the database before the start. Raises FleetError."""
    reason = why_not()
    if reason is not None:
        raise FleetError(f"No domain controller can be started: {reason}.")
    with _namespace() as (namespace, address):
        controller = Controller(address, folder, namespace)
        _provision(controller)
        _certificate(controller)
        _kerberos(controller)
        if populate is not None:
            populate(controller)
        with _started(controller):
            yield controller


@contextlib.contextmanager
def resolving(controller: Controller) -> t.Iterator[None]:
    """In this process names of the domain lead to the controller, as a DNS server of the domain would tell."""
    real = socket.getaddrinfo

    def answer(host: t.Any, *arguments: t.Any, **more: t.Any) -> t.Any:
        named = isinstance(host, str) and host.lower().rstrip(".").endswith(REALM.lower())
        return real(controller.address if named else host, *arguments, **more)

    socket.getaddrinfo = answer
    try:
        yield
    finally:
        socket.getaddrinfo = real


@contextlib.contextmanager
def _namespace() -> t.Iterator[tuple[str, str]]:
    number = os.getpid() % 16000
    subnet = ipaddress.ip_network((int(_NETWORK.network_address) + 4 * number, 30))
    outside, inside = (str(each) for each in subnet.hosts())
    name, near, far = f"tetra-dc-{number}", f"tdc{number}", f"tdi{number}"
    files = Path("/etc/netns") / name
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", name)
        _run("ip", "addr", "add", f"{outside}/30", "dev", near)
        _run("ip", "link", "set", near, "up")
        _run("ip", "-n", name, "addr", "add", f"{inside}/30", "dev", far)
        _run("ip", "-n", name, "link", "set", far, "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        # "ip netns exec" lays these over /etc, so that a program in the namespace knows the domain by name.
        files.mkdir(parents=True)
        (files / "hosts").write_text(f"127.0.0.1 localhost\n{inside} {NAME} {HOST} {REALM.lower()}\n", encoding="ascii")
        (files / "resolv.conf").write_text(f"nameserver {inside}\nsearch {REALM.lower()}\n", encoding="ascii")
        yield name, inside
    finally:
        subprocess.run(["ip", "link", "del", near], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        shutil.rmtree(files, ignore_errors=True)


def _provision(controller: Controller) -> None:
    (controller.folder / "run").mkdir(parents=True)
    done = subprocess.run(
        [
            "ip", "netns", "exec", controller.namespace, "samba-tool", "domain", "provision", f"--realm={REALM}",
            f"--domain={DOMAIN}", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--adminpass={PASSWORD}",
            f"--targetdir={controller.folder}", f"--host-name={HOST}", f"--host-ip={controller.address}",
            "--option=bind interfaces only=yes", f"--option=interfaces={controller.address}/30 lo",
            f"--option=log file={controller.folder}/log.%m", "--option=tls enabled=yes",
            f"--option=tls certfile={controller.folder}/private/tls/dc.pem",
            f"--option=tls keyfile={controller.folder}/private/tls/dc.key",
            f"--option=tls cafile={controller.folder}/private/tls/ca.pem",
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": _path()},
    )  # fmt: skip
    if done.returncode:
        raise FleetError(f"The domain could not be provisioned: {(done.stderr or done.stdout).strip()[-500:]}")


def _certificate(controller: Controller) -> None:
    from ansible_collections.fleetops.tetra.lab.certificates import Authority

    folder = controller.ca_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    authority.server_files(NAME, folder / "dc.pem", folder / "dc.key")
    authority.file.rename(controller.ca_file)


def _kerberos(controller: Controller) -> None:
    controller.krb5_conf.write_text(
        f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n"
        f" dns_canonicalize_hostname = false\n"
        f"[realms]\n {REALM} = {{\n  kdc = {controller.address}\n }}\n"
        f"[domain_realm]\n .{REALM.lower()} = {REALM}\n {REALM.lower()} = {REALM}\n",
        encoding="ascii",
    )


@contextlib.contextmanager
def _started(controller: Controller) -> t.Iterator[None]:
    with (controller.folder / "samba.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "ip", "netns", "exec", controller.namespace, "sh", "-c",
                f'mkdir -p {_RUN} && mount --bind "$1" {_RUN} && exec samba -i -M single -s "$2"',
                "samba", str(controller.folder / "run"), str(controller.configuration),
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": _path()},
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(controller, process)
            yield
        finally:
            # It ends when its standard input does, and its children with it.
            assert process.stdin is not None
            process.stdin.close()
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            subprocess.run(["pkill", "-9", "-s", str(process.pid)], check=False, capture_output=True)


def _wait(controller: Controller, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    for port in _PORTS:
        while True:
            try:
                socket.create_connection((controller.address, port), 2).close()
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > end:
                    said = (controller.folder / "samba.log").read_text(errors="replace")[-500:]
                    raise FleetError(f"The domain controller did not start: {said.strip()}") from error
                time.sleep(0.1)
    # smbd listens before winbindd answers it; until then a log-on ends with an internal error.
    command = ["smbclient", f"//{controller.address}/sysvol", "-U", f"administrator%{PASSWORD}", "-c", "ls"]
    while subprocess.run(command, check=False, capture_output=True).returncode:
        if process.poll() is not None or time.monotonic() > end:
            raise FleetError("The domain controller does not let its administrator read SYSVOL.")
        time.sleep(0.2)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "PATH": _path()})
    if done.returncode:
        raise FleetError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
