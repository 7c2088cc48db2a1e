"""Settings (设置): everything read from the environment or `zwhub.toml`, read once."""

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def default_data_dir() -> Path:
    """Where a hub keeps its data: a place its database's own user can reach, also for root."""
    if os.geteuid() == 0:
        return Path("/var/lib/zwhub/data")
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "zwhub"


_KINDS = ("", "+sentinel", "+cluster")
CACHE_SCHEMES = frozenset(
    {"unix", *(f"{tls}{kind}" for tls in ("redis", "rediss") for kind in _KINDS)}
)


class Settings(BaseSettings):
    """One hub's configuration: `ZWHUB_*` variables first, then `zwhub.toml`."""

    model_config = SettingsConfigDict(env_prefix="ZWHUB_", toml_file="zwhub.toml", extra="forbid")

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    data_keys_file: Path | None = None
    index_key_file: Path | None = None
    database_pool: int = Field(default=10, ge=1, le=100)

    profile: Literal["developer", "production"] = "production"
    public_url: str = "http://127.0.0.1:8000"
    allowed_origins: list[str] = []
    strict_status: bool = False

    identity_issuer: str | None = None
    identity_jwks: str | None = None
    identity_algorithms: list[str] = ["ES256", "EdDSA"]

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and urlsplit(url.get_secret_value()).scheme not in CACHE_SCHEMES:
            raise ValueError("redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
