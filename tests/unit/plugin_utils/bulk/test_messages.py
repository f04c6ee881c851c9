# Copyright (c) 2026, The fleetops.tetra authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames between the processes of the engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk import messages
from ansible_collections.fleetops.tetra.plugins.plugin_utils.bulk.messages import (
    Done,
    Frames,
    Job,
    frame,
    pack_done,
    pack_job,
    unpack_done,
    unpack_job,
)


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 20))
def test_messages_come_out_whole_however_they_are_cut(given_messages: list[bytes], size: int) -> None:
    data, frames, found = b"".join(map(frame, given_messages)), Frames(), []
    for start in range(0, len(data), size):
        found += frames.feed(data[start : start + size])
    assert found == given_messages


def test_a_frame_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        Frames().feed((messages.MAX_FRAME + 1).to_bytes(4, "big"))


def test_jobs_and_what_became_of_them_survive_the_way() -> None:
    job = Job("pc-1", {"remote_password": "hunter2"}, 5.0)
    assert unpack_job(Frames().feed(pack_job(job))[0]) == job
    assert unpack_job(Frames().feed(pack_job(None))[0]) is None
    assert "hunter2" not in repr(job)
    done = Done("유럽", "unknown", None, "tls", "No space left on device")
    assert unpack_done(Frames().feed(pack_done(done))[0]) == done
    with pytest.raises((ValueError, TypeError)):
        unpack_done(b'{"host": 1, "other": 2}')
