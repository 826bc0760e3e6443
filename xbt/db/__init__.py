"""The database: tables, sessions, and the way from one version of the tables to the next."""

from xbt.db.upgrading import at_head, current_revision, downgrade, head_revision, upgrade

__all__ = ["at_head", "current_revision", "downgrade", "head_revision", "upgrade"]
