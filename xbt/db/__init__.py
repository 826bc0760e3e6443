"""The database: tables, sessions, and the way from one version of the tables to the next."""

from xbt.db.upgrading import (
    current_revision,
    downgrade,
    head_revision,
    require_head,
    revision_at,
    upgrade,
)

__all__ = ["current_revision", "downgrade", "head_revision", "require_head", "revision_at", "upgrade"]
