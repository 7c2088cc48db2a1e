"""The last step before a server starts (启动前的最后一步): become nobody special, die with the hub.

Run as a script, `launch.py SIGNAL PARENT UID GID COMMAND…`, and replaced by the command. A small
process of its own is safer than code between fork and exec, where other threads' locks stay shut.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Drop to the account, ask for `SIGNAL` when the hub dies, run the command."""
    death, parent, uid, gid = (int(number) for number in arguments[:4])
    command = arguments[4:]
    if os.getuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of account, because the kernel forgets the death signal with it.
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death, 0, 0, 0) != 0:
        sys.exit("this kernel has no death signal")
    if os.getppid() != parent:
        sys.exit("the hub has gone")
    os.umask(0o077)
    os.chdir("/")
    os.execv(command[0], command)  # noqa: S606 - the point of this file


if __name__ == "__main__":
    main(sys.argv[1:])
