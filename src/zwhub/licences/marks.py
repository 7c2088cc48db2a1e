"""Marks (密钥印记): a database remembers the secrets it was filled with, by their fingerprints.

With another index secret nothing would be found, and without a data key nothing could be read:
whoever opens it with those is told so at once.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.words import Words, both
from zwhub.licences import store_vault as store
from zwhub.licences.vault import INDEX_MARK, Vault


class OtherSecrets(Exception):
    """These are not the secrets that the database was filled with."""

    def __init__(self, words: Words) -> None:
        super().__init__(both(words))
        self.words = words


async def require_own_secrets(session: AsyncSession, vault: Vault) -> None:
    """Compare the secrets with the database's marks; the first use leaves them there.

    Of two hubs that begin at once with different secrets, one finds the other's mark. Raises
    `OtherSecrets`.
    """
    marks = await store.marks(session)
    mine = vault.marks()  # read later: a key is in the file before its mark is in the database
    if new := {name: said for name, said in mine.items() if name not in marks}:
        await store.add_marks(session, new)
        marks = await store.marks(session)
    for name, mark in marks.items():
        if name not in mine and mark.emptied_at is None:
            raise OtherSecrets(_lacking(name, mark.fingerprint.hex()))
        if mine.get(name, mark.fingerprint) != mark.fingerprint:
            raise OtherSecrets(_other(name, mine[name].hex(), mark.fingerprint.hex()))


_NEXT = Words(
    "请从备份恢复此数据库的密钥文件，或检查 ZWHUB_DATA_DIR 与 ZWHUB_*_FILE 设置。",
    "Restore this database's key files from the backup, or look at ZWHUB_DATA_DIR and the "
    "ZWHUB_*_FILE settings.",
)


def _named(name: str) -> Words:
    if name == INDEX_MARK:
        return Words("索引密钥 index.key", "the index key (index.key)")
    return Words(f"数据密钥 data.keys 第 {name[5:]} 号", f"key {name[5:]} of data.keys")


def _other(name: str, mine: str, theirs: str) -> Words:
    named = _named(name)
    return Words(
        f"{named.zh}（指纹 {mine}）与此数据库所用的（指纹 {theirs}）不同。{_NEXT.zh}",
        f"This is another {named.en.removeprefix('the ')}, fingerprint {mine}, than this database "
        f"was filled with, {theirs}. {_NEXT.en}",
    )


def _lacking(name: str, theirs: str) -> Words:
    named = _named(name)
    return Words(
        f"此数据库需要{named.zh}（指纹 {theirs}），此处没有。{_NEXT.zh}",
        f"This database needs {named.en}, fingerprint {theirs}, which is not here. {_NEXT.en}",
    )
