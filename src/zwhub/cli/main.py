"""All commands (全部命令)."""

import typer

from zwhub.cli.clients import clients
from zwhub.cli.demo import demo
from zwhub.cli.serve import migrate_database, serve
from zwhub.cli.show import doctor, schema
from zwhub.cli.token import token

app = typer.Typer(
    name="zwhub",
    help="zwhub (证照枢纽): the GraphQL data hub of a city's e-licence repository.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo)
app.command()(token)
app.command()(serve)
app.command("migrate")(migrate_database)
app.command()(schema)
app.command()(doctor)
app.add_typer(clients, name="clients")


def main() -> None:
    """The console script."""
    app()
