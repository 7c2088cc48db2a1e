"""Not served (无此路径): a path or a method that leads nowhere is told in JSON, like any refusal."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from zwhub.gateway.problems import Code, Problem, written
from zwhub.gateway.request import Call
from zwhub.kernel.words import Words


async def not_served(request: Request, error: Exception) -> JSONResponse:
    """The handler of Starlette's own 404 and 405."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    call = Call.of(request.scope)
    problem = _PROBLEMS.get(status, _NOTHING_HERE)
    headers = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": call.request_id,
        **(getattr(error, "headers", None) or {}),
    }
    body = {"errors": written([problem], call.language, call.request_id, 1)}
    return JSONResponse(body, status, headers)


_NOTHING_HERE = Problem(
    Code.NOT_FOUND, Words("没有此路径；接口在 /graphql", "Nothing is here; the API is at /graphql")
)
_PROBLEMS = {
    404: _NOTHING_HERE,
    405: Problem(Code.METHOD_NOT_ALLOWED, Words("此路径不接受该方法", "Not with this method")),
}
