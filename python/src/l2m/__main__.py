"""The command, as python -m l2m."""

import os
import subprocess
import sys

from ._command import binary


def main() -> None:
    """Become the command; on Windows, which cannot, run it."""
    command = [binary(), *sys.argv[1:]]
    if sys.platform == "win32":
        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
