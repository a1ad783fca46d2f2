"""``python .ci/in_venv.py TOOL ARGUMENT...``: run a tool of the project's environment, whatever is on the PATH."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / ".venv" / "bin", ROOT / ".venv" / "Scripts")


def main() -> int:
    """Return the exit code of the tool; 1 when there is no environment with it yet."""
    tool, *arguments = sys.argv[1:]
    places = [folder / name for folder in FOLDERS for name in (tool, f"{tool}.exe")]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        sys.stderr.write(f"There is no {tool} in .venv yet: python -m tests --version makes the environment.\n")
        return 1
    return subprocess.run([str(found), *arguments], cwd=ROOT, check=False).returncode  # noqa: S603 - a tool of ours


if __name__ == "__main__":
    sys.exit(main())
