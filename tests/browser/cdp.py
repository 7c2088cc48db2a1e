"""A headless Chromium (无界面浏览器), driven over the Chrome DevTools Protocol."""

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)
DOMAINS = ("Page", "Runtime", "Log", "Network", "Audits")


def chromium() -> str | None:
    """The Chromium of this machine, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """One tab: what is sent to it, and everything it reported."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._ids = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    async def listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            else:
                self.events.append(message)

    async def open(self) -> None:
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in DOMAINS:
            await self.send(f"{domain}.enable")

    async def send(self, method: str, **params: object) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, object] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message))
        answer = await asyncio.wait_for(self._answers[number], 30)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        result: dict[str, Any] = answer["result"]
        return result

    async def go(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """The JSON value of a JavaScript expression (or of the promise it is)."""
        answer = await self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str, seconds: float = 20) -> None:
        """Wait for `script` to be truthy; AssertionError when it is not in time."""
        for _ in range(int(seconds * 10)):
            if await self.run(f"Boolean({script})"):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"never true: {script}")

    async def screenshot(self, path: Path) -> None:
        answer = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))  # noqa: ASYNC240 - a test's small file

    def complaints(self) -> list[str]:
        """Everything a developer would see in red: errors, exceptions, policy violations."""
        return [said for event in self.events if (said := _complaint(event))]

    def requests(self) -> list[str]:
        """The address of every request and WebSocket the page started."""
        http = self._reported("Network.requestWillBeSent")
        sockets = self._reported("Network.webSocketCreated")
        return [one["request"]["url"] for one in http] + [one["url"] for one in sockets]

    def _reported(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]


def _complaint(event: dict[str, Any]) -> str | None:
    params = event["params"]
    if event["method"] == "Runtime.exceptionThrown":
        details = params["exceptionDetails"]
        return str(details.get("exception", details).get("description", details["text"]))
    if event["method"] == "Runtime.consoleAPICalled" and params["type"] in {"error", "assert"}:
        return str([part.get("value", part.get("description")) for part in params["args"]])
    if event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
        return f"{params['entry']['text']} {params['entry'].get('url', '')}"
    if event["method"] == "Audits.issueAdded":
        issue = params["issue"]
        return str(issue) if issue["code"] == "ContentSecurityPolicyIssue" else None
    return None


@asynccontextmanager
async def browser(program: str, profile: Path) -> AsyncIterator[Page]:
    """A fresh page of a fresh browser whose profile is the empty folder `profile`."""
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={profile}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with connect(await _address(profile), max_size=None) as socket:
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            await page.open()
            yield page
            listening.cancel()
    finally:
        process.terminate()
        await process.wait()


async def _address(profile: Path) -> str:
    told = profile / "DevToolsActivePort"
    for _ in range(300):
        lines = told.read_text().split() if told.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        await asyncio.sleep(0.1)
    raise AssertionError("the browser did not start")
