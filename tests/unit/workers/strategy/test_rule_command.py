"""What ``strategies check`` takes for a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.errors import UserAction
from app.paths import Paths
from workers.strategy.library import LARGEST
from workers.strategy.rule_command import strategies


def test_what_is_no_file_is_refused(paths: Paths, tmp_path: Path) -> None:
    for path in (tmp_path, Path(os.devnull)):
        with pytest.raises(UserAction, match="is no file"):
            strategies(paths, "check", (str(path),))


def test_what_is_too_large_is_refused(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b" " * (LARGEST + 5))
    with pytest.raises(UserAction, match="has 1,000,005 bytes"):
        strategies(paths, "check", (str(tmp_path / "a.json"),))
