"""What a hub finds at its start (运行环境): a cache that is not there is told, and does not matter."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from servers import ServerUrls
from zwhub.cli.standing import standing_servers
from zwhub.platform.settings import Settings

WARNING = (
    "Warning: the cache that ZWHUB_REDIS_URL names does not answer, or refuses the password: "
    "check it. Without a cache the hub is slower, never wrong.\n"
)


@pytest.fixture
def told(
    server_urls: ServerUrls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> "Told":
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Told(server_urls, tmp_path, capsys)


class Told:
    """What a start says when the cache is at a URL."""

    def __init__(self, urls: ServerUrls, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.urls, self._folder, self._capsys = urls, folder, capsys

    def of(self, redis_url: str) -> str:
        settings = Settings(
            data_dir=self._folder / "data",
            database_url=SecretStr(self.urls.database_admin_url),
            redis_url=SecretStr(redis_url),
        )
        with standing_servers(settings) as servers:
            assert servers.redis_url == redis_url
        said = self._capsys.readouterr()
        assert said.out == ""
        return said.err


def test_a_cache_that_answers_needs_no_words(told: Told) -> None:
    assert told.of(told.urls.redis_url) == ""


def test_a_cache_that_is_away_is_told(told: Told) -> None:
    assert told.of("redis://:s3cret@127.0.0.1:1/0") == WARNING


def test_a_cache_that_refuses_the_password_is_told(told: Told) -> None:
    """For an account that does not exist: a server without a password takes any for its own."""
    said = urlsplit(told.urls.redis_url)
    place = said.netloc.rpartition("@")[2]
    assert told.of(said._replace(netloc=f"nobody:s3cret@{place}").geturl()) == WARNING
