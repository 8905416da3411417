"""Alembic's entry (``cloud.storage.migrations.env``); it always works on a connection that it is given."""

from alembic import context

from cloud.storage.base import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
