"""GraphiQL (交互式查询页面) in a real browser: complete, quiet, and asking nobody else."""

import asyncio
import contextlib
import json
import os
from pathlib import Path

import pytest

from browser.cdp import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

toy_only = pytest.mark.skipif(
    "ZWHUB_GRAPHIQL_URL" in os.environ, reason="asks what only the toy endpoint answers"
)
RESULT = "document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue()"
VARIABLES = "document.querySelectorAll('.graphiql-editor .CodeMirror')[1].CodeMirror.getValue()"
TITLES = "[...document.querySelectorAll('.graphiql-tab-button')].map(tab => tab.textContent)"


async def choose(page: Page, field: str, value: str) -> None:
    await page.run(
        f"(() => {{ const field = document.getElementById('{field}'); field.value = '{value}';"
        " field.dispatchEvent(new Event('change')); })()"
    )


async def run_shown(page: Page) -> str:
    """Press Run until there is a result; its text.

    GraphiQL reads a tab's operations a moment after it is shown, and hears nothing before.
    """
    for _ in range(6):
        await page.run("document.querySelector('.graphiql-execute-button').click()")
        with contextlib.suppress(AssertionError):
            await page.until(f"({RESULT} ?? '').includes('\"')", seconds=10)
            break
    return str(await page.run(RESULT))


async def opened(page: Page, url: str) -> None:
    await page.go(url)
    await page.until("document.querySelector('.graphiql-execute-button')")


def assert_quiet(page: Page, url: str) -> None:
    origin = url.split("/graphiql")[0].split("://")[1]
    asked = [one for one in page.requests() if not one.startswith(("data:", "blob:", "about:"))]
    assert asked
    assert [one for one in asked if one.split("://")[1].split("/")[0] != origin] == []
    assert page.complaints() == []


async def test_the_page_is_complete_and_quiet(page: Page, graphiql_url: str) -> None:
    await opened(page, graphiql_url)
    wanted = await page.run("fetch('graphiql/config.json').then(a => a.json())")
    assert len(await page.run(TITLES)) == len(wanted["tabs"]) > 0
    assert json.loads(await page.run(VARIABLES) or "{}") == wanted["tabs"][0]["variables"]
    offered = await page.run("[...document.getElementById('persona').options].map(o => o.value)")
    assert offered == ["", *(row["key"] for row in wanted["personas"])]
    assert_quiet(page, graphiql_url)


async def test_a_persona_runs_a_sample(page: Page, graphiql_url: str, tmp_path: Path) -> None:
    await opened(page, graphiql_url)
    persona = await page.run("document.getElementById('persona').options[1].value")
    await choose(page, "persona", persona)
    assert '"data"' in await run_shown(page)
    await page.screenshot(Path(os.environ.get("ZWHUB_SCREENSHOTS", tmp_path)) / "graphiql.png")
    assert_quiet(page, graphiql_url)


async def test_the_documentation_explorer_and_dialogues(page: Page, graphiql_url: str) -> None:
    await opened(page, graphiql_url)
    await page.run("document.querySelector('[aria-label*=\"Documentation Explorer\"]').click()")
    await page.until("document.querySelector('.graphiql-doc-explorer')?.textContent.match('Query')")
    await page.run("document.querySelector('[aria-label=\"Open settings dialog\"]').click()")
    await page.until("document.querySelector('[role=dialog]')")
    assert_quiet(page, graphiql_url)


@toy_only
async def test_persona_and_language_go_with_each_request(page: Page, graphiql_url: str) -> None:
    await opened(page, graphiql_url)
    assert "您好 李四 zh" in await run_shown(page)  # the caller the sample is meant for
    await choose(page, "persona", "citizen")
    await choose(page, "language", "en")
    await page.run(f"{RESULT[: RESULT.index('?.')]}.CodeMirror.setValue('')")
    assert "您好 张三 en" in await run_shown(page)
    assert await page.run("document.getElementById('who').textContent") == "Citizen · 张三"


@toy_only
async def test_a_sample_is_found_again(page: Page, graphiql_url: str) -> None:
    await opened(page, graphiql_url)
    await choose(page, "sample", "CaseProgressed")
    await page.until("document.querySelector('.graphiql-tab-active').textContent.match('CaseP')")
    await page.run("document.querySelector('.graphiql-tab-active .graphiql-tab-close').click()")
    await page.until(f"{TITLES}.length === 1 || !document.querySelector('.graphiql-tab-active')")
    for _ in range(6):  # the page may still be closing the tab
        await choose(page, "sample", "CaseProgressed")
        with contextlib.suppress(AssertionError):
            await page.until(f"{TITLES}.includes('CaseProgressed')", seconds=5)
            break
    assert "CaseProgressed" in await page.run(TITLES)
    assert_quiet(page, graphiql_url)


@toy_only
async def test_a_subscription_arrives(page: Page, graphiql_url: str) -> None:
    await opened(page, graphiql_url)
    await choose(page, "persona", "clerk")
    await page.run("document.querySelectorAll('.graphiql-tab-button')[1].click()")
    await asyncio.sleep(0.5)
    assert "受理 李四" in await run_shown(page)
    assert any(one.startswith("ws://") for one in page.requests())
    assert_quiet(page, graphiql_url)
