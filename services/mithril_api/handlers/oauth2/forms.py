"""The parameters of a request: a form in the body of a POST, never its query."""

from aiohttp import web

from services.mithril_api.domain.oauth2 import parameters
from services.mithril_api.domain.oauth2.faults import Fault, invalid_request
from services.mithril_api.domain.oauth2.parameters import FORM, Parameters
from services.mithril_api.handlers.oauth2.answers import refuse
from shared.runtime.bodies import read_bytes


async def read_form(request: web.Request) -> Parameters:
    """The form of a POST; 400 where there is none, or where it can be read in two ways.

    What is in a query is in the log of every server that it passes (RFC 6749 §2.3.1).
    """
    if request.rel_url.raw_query_string:
        refuse(invalid_request("parameters belong in the body of the request"))
    if request.content_type != FORM:
        refuse(invalid_request(f"the content type must be {FORM}"))
    if (request.charset or "utf-8").lower() != "utf-8":
        refuse(invalid_request("the charset must be UTF-8"))
    return _read(await read_bytes(request))


def read_query(request: web.Request) -> Parameters:
    """The parameters of a GET."""
    return _read(request.rel_url.raw_query_string)


def _read(raw: bytes | str) -> Parameters:
    found = parameters.parse(raw)
    if isinstance(found, Fault):
        refuse(found)
    return found


def required(form: Parameters, name: str) -> str:
    """A parameter that must be there."""
    value = form.get(name)
    if value is None:
        refuse(invalid_request(f"`{name}` is missing"))
    return value
