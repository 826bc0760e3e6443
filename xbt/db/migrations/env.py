"""Run by Alembic: works on the connection that `xbt.db.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from xbt.db.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    transactional_ddl=True,
)

with context.begin_transaction():
    context.run_migrations()
