# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that read where they run, packed and started by Ansible itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from ansible_collections.fleetops.tetra.lab.tls_server import TlsServer
from ansible_collections.fleetops.tetra.plugins.module_utils.schannel.allow_list import ALLOW_LIST

LOG = "(9, +0 ms) Aug 04 07:30:23 [7]: PerformTetraUpdate: bUpdated = FALSE, state: 20, status: -3000\n"


def test_log_and_server_in_a_play(tmp_path: Path) -> None:
    (tmp_path / "sfc.exe.log").write_text(LOG)
    answers = tmp_path / "answers.json"
    with TlsServer(ALLOW_LIST, proxy=True) as server:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [
                {
                    "fleetops.tetra.connector_log_info": {"path": str(tmp_path), "utc_offset_minutes": 0},
                    "register": "log",
                },
                {
                    "fleetops.tetra.server_info": {"proxy": f"127.0.0.1:{server.proxy_port}", "pause": 0},
                    "register": "server",
                },
                {
                    "ansible.builtin.copy": {
                        "content": "{{ {'log': log, 'server': server} | to_json }}",
                        "dest": str(answers),
                    },
                    "check_mode": False,
                },
            ],
        }
        playbook = tmp_path / "play.yml"
        playbook.write_text(yaml.safe_dump([play]))
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "--check", "-i", "localhost,", "-c", "local"]
        done = subprocess.run([*command, str(playbook)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(answers.read_text())
    assert found["log"]["last_update"]["code"] == -3000
    assert found["server"]["accepted"] == list(ALLOW_LIST)
    assert not found["log"]["changed"] and not found["server"]["changed"]
