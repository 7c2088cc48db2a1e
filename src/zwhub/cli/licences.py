"""`zwhub licences` (证照文件): licences by the million, as the files in which they are delivered."""

import typer

from zwhub.cli.load import load_files

licences = typer.Typer(help="Licences by the million (证照文件).", no_args_is_help=True)
licences.command("load")(load_files)


@licences.callback()
def group() -> None:
    """Keep each command one of its own."""
