"""`zwhub token` (令牌): one sandbox token, and nothing else on standard output."""

import os
import sys
from typing import Annotated

import typer

from zwhub.cli.personas import demo_personas
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import refuse
from zwhub.gateway.sandbox import ISSUER_FILE, Sandbox
from zwhub.kernel.words import Words


def token(
    persona: Annotated[
        str,
        typer.Argument(help="citizen, enterprise, clerk, department, supervisor or operator."),
    ],
    data_dir: DataDir = None,
) -> None:
    """Print one token of the sandbox (沙箱令牌), good for 30 days with the hub of this folder."""
    personas = demo_personas()
    known = [one.key for one in personas]
    if persona not in known:
        names = ", ".join(known)
        refuse(Words(f"没有此身份；可选：{names}", f"No such persona; choose one of: {names}"))
    folder = settings_for(data_dir).data_dir
    if not os.path.exists(folder / ISSUER_FILE):  # False where we may not look, too
        refuse(
            Words(
                f"{folder} 不是演示数据目录；请先运行 zwhub demo。",
                f"{folder} is not the folder of a demo; run `zwhub demo` first.",
            )
        )
    sys.stdout.write(Sandbox(folder, personas).token(persona) + "\n")
