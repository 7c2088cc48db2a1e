"""GraphiQL's tabs (样例标签页): the published operations, filled with the sample city's data."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.app import sample_operations
from zwhub.gateway.graphiql import Tab
from zwhub.gateway.sandbox import DemoPersona
from zwhub.items import store as items
from zwhub.kernel.actor import Persona
from zwhub.kernel.paging import Page
from zwhub.kernel.words import Words
from zwhub.licences import store as licences
from zwhub.licences.held import Held
from zwhub.licences.status import LicenceState
from zwhub.licences.vault import Vault

# By operation: its name in both languages, and the persona that can run it.
_TABS = {
    "matters": (Words("业务事项", "Matters"), None),
    "items": (Words("事项检索", "Items"), None),
    "item": (Words("事项详情", "Item"), None),
    "my-licences": (Words("我的证照", "My licences"), "citizen"),
    "licence-supermarket": (Words("证照超市", "Supermarket"), "citizen"),
    "verify-licence": (Words("证照核验", "Verify"), "department"),
    "verify-licences": (Words("批量核验", "Verify many"), "department"),
    "verify-licence-file": (Words("文件核验", "Verify a file"), "department"),
    "change-licence-status": (Words("状态变更", "Change status"), "department"),
    "collect-licences": (Words("证照归集", "Collect"), "department"),
    "access-log": (Words("谁查看过", "Who looked"), "citizen"),
}


async def sample_tabs(
    session: AsyncSession, personas: Sequence[DemoPersona], vault: Vault
) -> list[Tab]:
    """A tab for each published operation, its variables taken from what the hub holds."""
    citizen = vault.holder_key(_number(personas, "citizen"))
    held = await licences.held_by(session, citizen, Page(100))
    variables = await _variables(session, personas, [vault.held(row) for row in held.rows])
    documents = sample_operations()
    return [
        Tab(words, documents[name], variables.get(name, {}), persona)
        for name, (words, persona) in _TABS.items()
    ]


async def _variables(
    session: AsyncSession, personas: Sequence[DemoPersona], held: Sequence[Held]
) -> Mapping[str, Mapping[str, Any]]:
    citizen = _number(personas, "citizen")
    code = await items.code_with_most_evidence(session, [one.body.type_code for one in held])
    one = held[1].body
    claim = {"code": citizen, "name": next(h.name for h in one.holders if h.code == citizen)}
    return {
        "items": {"text": "许可", "first": 10},
        "item": {"code": code},
        "my-licences": {"first": 20},
        "access-log": {"first": 20},
        "licence-supermarket": {"input": {"itemCodes": [code]}},
        "verify-licence": {
            "input": {
                "licence": {"number": one.number},
                "holder": claim,
                "purpose": "窗口受理核对 · checked at the counter",
            }
        },
        "verify-licences": {
            "input": {
                "licences": [{"identifier": str(each.body.identifier)} for each in held],
                "purpose": "批量核对 · a batch checked",
            }
        },
        "verify-licence-file": {
            "input": {
                "content": base64.b64encode(held[1].signed).decode(),
                "name": "licence.jws",
                "purpose": "文件核对 · a file checked",
            }
        },
        "change-licence-status": {"input": await _change(session, _of_department(held, personas))},
        "collect-licences": {"input": {"records": [{"jws": held[1].signed.decode()}]}},
    }


def _number(personas: Sequence[DemoPersona], key: str) -> str:
    return next(one.number or "" for one in personas if one.key == key)


def _of_department(held: Sequence[Held], personas: Sequence[DemoPersona]) -> list[Held]:
    """The licences whose types the department of the sandbox defines."""
    bodies = {one.organisation for one in personas if one.persona is Persona.DEPARTMENT}
    return [one for one in held if one.body.type_code[:18] in bodies]


_SUSPEND = (LicenceState.SUSPENDED, "整改期间暂扣 · suspended meanwhile")
_GIVE_BACK = (LicenceState.VALID, "整改完成，暂扣发还 · given back")
_NEXT = {
    LicenceState.VALID: _SUSPEND,
    LicenceState.SUSPENDED: _GIVE_BACK,
    LicenceState.OTHER: _GIVE_BACK,
}


async def _change(session: AsyncSession, held: Sequence[Held]) -> Mapping[str, Any]:
    """A change that can follow: whoever ran it before has suspended a licence, or ended one."""
    histories = await licences.histories(session, [one.id for one in held])
    present = [(one, histories[one.id][-1].state) for one in held]
    one, state = next((pair for pair in present if pair[1] in _NEXT), present[0])
    status, reason = _NEXT.get(state, _SUSPEND)
    return {
        "licence": {"number": one.body.number},
        "status": status,
        "reason": reason,
        "basis": "示人社〔2026〕1号",
    }
