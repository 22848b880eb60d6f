# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: waiting for a condition. I/O: the clock.
import time

PATIENCE_SEC = 300
POLL_SEC = 0.05


def wait_until(is_so, what):
    deadline = time.monotonic() + PATIENCE_SEC
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {PATIENCE_SEC} s in vain for: {what}")
        time.sleep(POLL_SEC)
