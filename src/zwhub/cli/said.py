"""Said (命令行设置): the settings, with what the command line says on top."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from zwhub.cli.speak import refuse
from zwhub.kernel.words import Words
from zwhub.platform.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option(help="Data folder (数据目录). Default: ZWHUB_DATA_DIR, else a folder of yours."),
]


def settings_for(data_dir: Path | None, **more: Any) -> Settings:
    """The settings, with what the command line says on top; one line when they cannot be read."""
    said = {name: value for name, value in more.items() if value is not None}
    if data_dir is not None:
        said["data_dir"] = data_dir.absolute()
    try:
        return Settings(**said)
    except ValidationError as invalid:
        places = ", ".join(
            "ZWHUB_" + ".".join(map(str, e["loc"])).upper() for e in invalid.errors()
        )
        refuse(Words(f"设置有误：{places}", f"These settings cannot be used: {places}"))
    except SettingsError:
        refuse(
            Words(
                "有一个 ZWHUB_ 变量应为 JSON 列表，但不是。",
                "A ZWHUB_ variable that should hold a JSON list does not.",
            )
        )
    except (OSError, ValueError, RecursionError):
        refuse(
            Words(
                "当前文件夹的 zwhub.toml 不是可读的 TOML 文件（UTF-8）。",
                "The zwhub.toml of the current folder is not a readable TOML file in UTF-8.",
            )
        )
