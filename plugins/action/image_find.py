# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleetops.tetra.image_find: the image files that a user means."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.gate import could_not_test
from ansible_collections.fleetops.tetra.plugins.plugin_utils.run_folder.images import ImagesError, find_images
from ansible_collections.fleetops.tetra.plugins.plugin_utils.tasks import options


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs on the controller. Where no image is meant the result is *unreachable*, so that Ansible ends with 4."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=options.IMAGE_FIND)
        try:
            found = find_images(arguments["images"], Path.cwd(), arguments["recursive"])
        except (ImagesError, OSError) as error:
            return could_not_test(str(error))
        images = [image.document() for image in found.images]
        return {"changed": False, "images": images, "left_out": found.left_out}
