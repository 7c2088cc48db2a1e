"""The access log over GraphQL (调阅记录接口): who looked at my licences, and the proof of it."""

from datetime import datetime
from uuid import UUID

import strawberry

from zwhub.directory.api import Organisation, organisations_of
from zwhub.graph.access import root_field
from zwhub.graph.connections import After, Connection, First, connection
from zwhub.graph.context import Context, Info
from zwhub.graph.enums import show
from zwhub.graph.fields import batched, says
from zwhub.graph.rules import access, paged
from zwhub.kernel.actor import Persona
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.merkle import Place
from zwhub.kernel.merkle_proofs import drawn, inclusion_plan
from zwhub.kernel.words import Words
from zwhub.licences import store_access_log as store
from zwhub.licences import store_ledger as ledger
from zwhub.licences.api.faces import Licence, vault_of
from zwhub.licences.body import MalformedBody
from zwhub.licences.entry import Action, written
from zwhub.licences.held import Held
from zwhub.licences.model import LedgerCheckpoint
from zwhub.licences.vault import NOBODY, Kept, Vault

LISTING = "accessLog"
HOLDERS = {Persona.CITIZEN}

show(
    Action,
    "AccessAction",
    Words("对证照做了什么", "what was done with a licence"),
    {
        Action.VERIFICATION: ("核验", "it was verified"),
        Action.READING: ("调阅", "it was looked at"),
    },
)


@strawberry.type(
    description="台账包含证明（RFC 6962） · proof that an entry is in the ledger (RFC 6962)",
    directives=[access(HOLDERS)],
)
class AccessProof:
    """Hashes in lower-case hexadecimal; the path goes from the leaf to the root."""

    index: int = says("条目位置，从 0 起", "the entry's position, from 0")
    tree_size: int = says("台账条目数", "entries in the ledger")
    root_hash: str = says("台账根哈希（SHA-256）", "root hash of the ledger (SHA-256)")
    path: list[str] = says("自叶至根的相邻哈希", "sibling hashes from the leaf to the root")
    leaf_hash: str = says("叶哈希：SHA-256(00 ‖ entry)", "leaf hash: SHA-256(00 ‖ `entry`)")
    checkpoint: str = says(
        "签署该根的检查点（C2SP 签名便笺）", "the signed checkpoint of that root (C2SP signed note)"
    )

    @classmethod
    def of(
        cls, look: store.Look, newest: LedgerCheckpoint, nodes: dict[Place, bytes]
    ) -> "AccessProof | None":
        """None where the stored tree has holes: `zwhub ledger verify` tells the operator."""
        index = look.position or 0
        try:
            path = drawn(inclusion_plan(index, newest.size), lambda *at: nodes[Place(*at)])
        except (KeyError, ValueError):
            return None
        return cls(
            index=index,
            tree_size=newest.size,
            root_hash=newest.root.hex(),
            path=[one.hex() for one in path],
            leaf_hash=look.leaf.hex(),
            checkpoint=newest.note,
        )


@strawberry.type(
    description="一次调阅 · one look at one of your licences", directives=[access(HOLDERS)]
)
class AccessLogEntry:
    """A verification, or a look, by somebody else."""

    at: datetime = says("时间", "when")
    licence: Licence | None = says("证照", "the licence")
    action: Action = says("做了什么", "what was done with it")
    purpose: str | None = says("用途；调阅不填", "what it was for; a mere look states none")
    case_number: str | None = says("办件编号", "the case it was for")
    look: strawberry.Private[store.Look]

    @batched("由哪个机构", "the body that did it")
    async def by(entries: list["AccessLogEntry"], ctx: Context) -> list[Organisation | None]:
        return await organisations_of([one.look.organisation or "" for one in entries], ctx)

    @batched(
        "台账条目原文（规范 JSON），可自行计算叶哈希",
        "the ledger's entry as it was hashed (canonical JSON)",
    )
    async def entry(entries: list["AccessLogEntry"], ctx: Context) -> list[str | None]:
        found: dict[UUID, str] = {}
        async with ctx.hub.db.read() as session:
            for action in Action:
                ids = [one.look.trace_id for one in entries if one.action is action]
                for key, trace in (await ledger.traces(session, action, ids)).items():
                    found[key] = written(action, trace).decode()
        return [found.get(one.look.trace_id) for one in entries]

    @batched(
        "台账包含证明；定序前为空",
        "proof that it is in the ledger; null until it has its place",
        points=0.5,
    )
    async def proof(entries: list["AccessLogEntry"], ctx: Context) -> list[AccessProof | None]:
        return await _proofs([one.look for one in entries], ctx)

    @classmethod
    def of(cls, look: store.Look, ctx: Context) -> "AccessLogEntry":
        held = _read(look, vault_of(ctx))
        return cls(
            at=look.at,
            licence=None if held is None else Licence.of(held, ctx),
            action=Action(look.action),
            purpose=look.purpose,
            case_number=look.case_number,
            look=look,
        )


def _read(look: store.Look, vault: Vault) -> Held | None:
    try:
        return vault.held(Kept(look.licence_id, *look.kept))
    except (MalformedJws, MalformedBody):
        return None  # the stored bytes were tampered with; verifyLicence says so


async def _proofs(looks: list[store.Look], ctx: Context) -> list[AccessProof | None]:
    """Each placed entry's proof in the newest tree; two statements for all."""
    placed = [one.position for one in looks if one.position is not None]
    async with ctx.hub.db.read() as session:
        newest = await ledger.newest_checkpoint(session) if placed else None
        if newest is None:
            return [None for _ in looks]
        plans = [inclusion_plan(one, newest.size) for one in placed if one < newest.size]
        wanted = {place for plan in plans for part in plan for place in part}
        nodes = await ledger.nodes_at(session, wanted)
    return [None if one.position is None else AccessProof.of(one, newest, nodes) for one in looks]


@strawberry.type
class AccessLogQueries:
    """Who looked."""

    @root_field(
        "谁查看过我的证照：核验与调阅，新的在前，附台账证明",
        "who looked at my licences: verifications and looks, newest first, with proofs",
        matters=("ZW-3-02-001",),
        personas=HOLDERS,
        points=10,
        size=paged(),
    )
    async def access_log(
        self, info: Info, first: First, after: After = None
    ) -> Connection[AccessLogEntry] | None:
        ctx = info.context
        page = ctx.hub.cursors.page(LISTING, first, after)
        number = ctx.actor.number
        key = vault_of(ctx).holder_key(number) if number else NOBODY

        async def count() -> int:
            async with ctx.hub.db.read() as session:
                return await store.count_looks(session, key)

        async with ctx.hub.db.read() as session:
            found = await store.looks(session, key, page)
        return connection(
            ctx,
            LISTING,
            found,
            key=lambda look: look.key,
            node=lambda look: AccessLogEntry.of(look, ctx),
            count=count,
            after=after,
        )
