"""Why a file cannot be imported."""

from __future__ import annotations

from app.errors import UserAction


class BadImport(UserAction):
    """A file that cannot be imported, or not as it is; says what is wrong with it and what to do."""


class Unknown(BadImport):
    """A file that is nothing we know."""
