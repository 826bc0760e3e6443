"""Calibrations and the amounts worked out with them: both are only ever added to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from xbt.db.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("calibration", "quantity")


def upgrade() -> None:
    _create_calibration()
    _create_quantity()
    for table in TABLES:
        _forbid_changes(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _forbid_changes(table: str) -> None:
    """The database itself refuses to rewrite them; PostgreSQL has the function from the first revision."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION xbt_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _create_calibration() -> None:
    op.create_table(
        "calibration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("substance", sa.String(length=120), nullable=False),
        sa.Column("technique", sa.String(length=16), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["staff_user.id"], name="fk_calibration_made_by"),
        sa.PrimaryKeyConstraint("id", name="pk_calibration"),
        sa.UniqueConstraint("sha256", name="uq_calibration_sha256"),
    )
    op.create_index("ix_calibration_substance", "calibration", ["substance"])


def _create_quantity() -> None:
    op.create_table(
        "quantity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("analysis_id", sa.Integer(), nullable=True),
        sa.Column("calibration_id", sa.Integer(), nullable=True),
        sa.Column("substance", sa.String(length=120), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["analysis_id"], ["analysis.id"], name="fk_quantity_analysis_id"),
        sa.ForeignKeyConstraint(["calibration_id"], ["calibration.id"], name="fk_quantity_calibration_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff_user.id"], name="fk_quantity_recorded_by"),
        sa.ForeignKeyConstraint(["sample_id"], ["sample.id"], name="fk_quantity_sample_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quantity"),
    )
    op.create_index("ix_quantity_sample_id", "quantity", ["sample_id"])
