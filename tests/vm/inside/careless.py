#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: merges Download into Downloads as one should not, by copying and deleting without a sync. I/O.
import os
import sys

import tree
from neighbour import Neighbour


def free_name(path):
    while os.path.lexists(path):
        path += "~"
    return path


def main(home):
    neighbour = Neighbour(os.path.join(home, ".neighbour"))
    source = os.path.join(home, "Download")
    for folder, _folders, files in os.walk(source):
        target = os.path.join(home, tree.TARGET, os.path.relpath(folder, source))
        os.makedirs(target, exist_ok=True)
        for name in files:
            old = os.path.join(folder, name)
            if os.path.islink(old):
                continue
            with open(old, "rb") as before, open(free_name(os.path.join(target, name)), "xb") as after:
                after.write(before.read())
            os.unlink(old)
            neighbour.tick()


if __name__ == "__main__":
    main(sys.argv[1])
