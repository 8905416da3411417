"""Run by a child before its program: the kernel shall kill it when its parent dies, even by SIGKILL.

``python -I -S bootstrap.py PARENT_PID PROGRAM ARGUMENT...``. It runs as a file of its own, so it imports
nothing of ours; the parent-death signal stays set across ``exec``.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, program: list[str]) -> None:
    """Bind this process to ``parent`` and become ``program``."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        sys.exit("the parent of this process has died")
    os.execvp(program[0], program)  # noqa: S606  (the parent names the program, no shell is involved)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
