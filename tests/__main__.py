"""``python -m tests``: makes .venv with the test extras if need be, then runs pytest with the same arguments."""

import sys

import main


def run():
    """Run pytest and return its exit code."""
    main.prepare("dev")
    import pytest

    return pytest.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run())
