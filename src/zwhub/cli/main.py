"""All commands (全部命令); only the one that is asked for is imported, for the rest is heavy."""

import sys
from importlib import import_module

import typer

# By command: where it is written, and what it is for.
COMMANDS = {
    "demo": ("demo:demo", "Run a whole hub with the sample city: nothing else is needed (演示)."),
    "token": ("token:token", "Print one sandbox token (沙箱令牌)."),
    "serve": ("serve:serve", "Run the hub on your own data (运行)."),
    "migrate": ("serve:migrate_database", "Bring the database to the newest step (数据库迁移)."),
    "profile": (
        "profile:profile",
        "The city's own data: check, load, what is still sample (资料).",
    ),
    "licences": (
        "licences:licences",
        "Licences by the million: load files, make sample ones (批量证照).",
    ),
    "keys": ("keys:keys", "The trust list: whose keys the hub believes (信任列表)."),
    "clients": ("clients:clients", "Department systems and their keys (部门系统)."),
    "receipt": ("receipt:receipt", "Check a verification's receipt offline (回执)."),
    "status": ("status:status", "Read a licence's status from saved lists, offline (状态列表)."),
    "ledger": ("ledger:ledger", "Is every verification and every look still there (台账)?"),
    "secrets": (
        "secrets:secrets",
        "The keys of what lies encrypted: show, rotate, forget (密钥).",
    ),
    "verify": ("verify:verify", "Verify licence files offline: JWS, PDF, OFD (文件核验)."),
    "schema": ("show:schema", "Print the published GraphQL schema (架构)."),
    "doctor": ("show:doctor", "Tell what this hub stands on (自检)."),
}


def application(asked: str) -> typer.Typer:
    """The command line with the command `asked` in full and the others by name and purpose."""
    app = typer.Typer(
        name="zwhub",
        help="zwhub (证照枢纽): the GraphQL data hub of a city's e-licence repository.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, (place, purpose) in COMMANDS.items():
        if name != asked:
            app.command(name, help=purpose)(_elsewhere)
            continue
        module, attribute = place.split(":")
        command = getattr(import_module(f"zwhub.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _elsewhere() -> None:
    """Stands for a command that was not asked for; never called."""


def main() -> None:
    """The console script: whatever goes wrong is one line and an exit code."""
    try:
        application(sys.argv[1] if len(sys.argv) > 1 else "")()
    except Exception as error:  # typer has told everything it knows by itself
        net = import_module("zwhub.cli.net")
        sys.exit(net.told(error))
