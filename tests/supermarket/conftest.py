"""A holder, and the plan that a department system asks for it (测试装置)."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import Issuer
from samplecity import Ask
from shopping import AS_OF, PLAN, Holder


@pytest.fixture
def holder(issuer: Issuer) -> Holder:
    return Holder(issuer)


@pytest.fixture
def plan(ask: Ask, holder: Holder) -> Callable[..., Any]:
    """The plan for `holder`, asked by a department system."""

    async def run(*codes: str, as_of: str = AS_OF, language: str = "en") -> dict[str, Any]:
        question = {"itemCodes": codes, "holder": {"code": holder.code}, "asOf": as_of}
        answer = await ask(PLAN, "department", language=language, input=question)
        assert "errors" not in answer
        found: dict[str, Any] = answer["data"]["licenceSupermarket"]
        return found

    return run
