"""Migrations (数据库迁移): bring the database to the newest step."""

from alembic import command
from alembic.config import Config

from zwhub.platform.bundle import bundled


def configuration(database_url: str) -> Config:
    """Alembic's configuration for the hub's own migrations, installed or not."""
    config = Config()
    config.set_main_option("script_location", str(bundled("alembic")))
    config.attributes["database_url"] = database_url
    return config


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade to `revision`. Blocking: it runs an event loop of its own."""
    command.upgrade(configuration(database_url), revision)
