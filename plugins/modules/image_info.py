#!/usr/bin/python
# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.image_info: what the Windows inside an image file would offer, without starting it."""

from __future__ import annotations

import signal
import traceback
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.fleetops.tetra.plugins.module_utils.answers.times import written
from ansible_collections.fleetops.tetra.plugins.module_utils.image.opened import open_image
from ansible_collections.fleetops.tetra.plugins.module_utils.image.source import ImageError, placed
from ansible_collections.fleetops.tetra.plugins.module_utils.policy.domain_values import (
    DomainPolicyError,
    read_domain_policy_file,
)
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.domain_join import evaluate_joined
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.evaluate import evaluate
from ansible_collections.fleetops.tetra.plugins.module_utils.verdict.policy_options import OptionsError


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "volume": {"type": "str"},
            "host": {"type": "str"},
            "allow_list": {"type": "list", "elements": "str"},
            "require": {"type": "str", "choices": ["any", "all"], "default": "any"},
            "strict": {"type": "bool", "default": False},
            "domain_policy": {"type": "path"},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    host = module.params["host"] or Path(path).resolve().name or path
    now = written(datetime.now(UTC))
    wanted = ("allow_list", "require", "strict")
    policy = {name: module.params[name] for name in wanted if module.params[name] is not None}
    try:
        evaluate({}, policy)
        wanted_domain = module.params["domain_policy"]
        domain = read_domain_policy_file(Path(wanted_domain)) if wanted_domain else None
    except (OptionsError, DomainPolicyError) as error:
        module.fail_json(msg=str(error), kind="options")
    signal.signal(signal.SIGTERM, _stop)
    try:
        with open_image(path, module.params["volume"]) as image:
            facts = image.windows.facts(host, now)
            about = {
                "format": image.format,
                "volume": image.volume,
                "recovered": image.windows.recovered,
                "size": image.size,
                "bytes_read": image.bytes_read,
                "notes": image.notes + image.windows.notes(),
            }
    except ImageError as error:
        module.fail_json(msg=str(placed(error, path)), kind="image")
    except (MemoryError, RecursionError):
        module.fail_json(msg=f"{path} is damaged: it asks for more memory than this machine gives.", kind="image")
    except Exception as error:
        sentence = f"{path} could not be read: a fault in this module ({type(error).__name__}); please report it."
        module.fail_json(msg=sentence, kind="internal", exception=traceback.format_exc())
    module.exit_json(changed=False, facts=facts, verdict=evaluate_joined(facts, policy, domain), image=about)


def _stop(_signal: int, _frame: object) -> None:
    """End as by an error, so that unpacked files are removed when the task is cancelled."""
    raise SystemExit(1)


if __name__ == "__main__":
    main()
