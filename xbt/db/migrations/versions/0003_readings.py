"""Readings by eye (colours, strips, plates) and retentions beside a standard: only ever added to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xbt.db.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff_user.id"], name="fk_reading_recorded_by"),
        sa.ForeignKeyConstraint(["replaces_id"], ["reading.id"], name="fk_reading_replaces_id"),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name="fk_reading_sample_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
        sa.UniqueConstraint("replaces_id", name="uq_reading_replaces_id"),
    )
    op.create_index("ix_reading_sample_id", "reading", ["sample_id"])
    _forbid_changes()


def downgrade() -> None:
    op.drop_table("reading")


def _forbid_changes() -> None:
    """The database itself refuses to rewrite them; PostgreSQL has the function from the first revision."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER reading_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reading "
            "FOR EACH STATEMENT EXECUTE FUNCTION xbt_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER reading_no_{change.lower()} BEFORE {change} ON reading "
            "BEGIN SELECT RAISE(ABORT, 'reading is append-only'); END"
        )
