"""GET /openapi.json and GET /docs: what every path takes and gives, for programs and for people."""

from pathlib import PurePath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serve.openapi import swagger
from serve.openapi.current import Document
from serve.page.answers import WithOwnHeaders


async def openapi(request: Request) -> Response:
    """Describe every path, with the columns of the models that are loaded (OpenAPI 3.1)."""
    document: Document = request.app.state.openapi
    return Response(await document.content(), media_type="application/json")


def docs(_: Request) -> Response:
    """Show that description to people, who can try each path."""
    return WithOwnHeaders(swagger.page(), 200, {"content-security-policy": swagger.POLICY}, "text/html")


def asset(request: Request) -> Response:
    """Return a file that the page needs."""
    name = request.path_params["file"]
    content = swagger.asset(name)
    if content is None:
        raise HTTPException(404)
    kind = swagger.TYPES[PurePath(name).suffix]
    return WithOwnHeaders(content, 200, {"cache-control": swagger.KEPT}, kind)


ROUTES = [
    Route("/openapi.json", openapi, methods=["GET"]),
    Route("/docs", docs, methods=["GET"]),
    Route("/docs/{file}", asset, methods=["GET"], include_in_schema=False),
]
