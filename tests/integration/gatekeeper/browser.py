"""A browser, as far as gatekeeper sees one: cookies, and the headers that no page can forge."""

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from yarl import URL

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
SCRIPT = {"Accept": "application/json", "Sec-Fetch-Mode": "cors"}


@dataclass
class Browser:
    """Keeps what it is told to keep; sends it to whom it may."""

    client: TestClient[Any, Any]
    cookies: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)  # every Set-Cookie

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """Go to a page."""
        return await self.send("GET", path, NAVIGATION | headers)

    async def fetch(self, path: str, method: str = "GET", **headers: str) -> ClientResponse:
        """Ask as a script of the page does."""
        same = {"Sec-Fetch-Site": "same-origin"}
        return await self.send(method, path, SCRIPT | same | headers)

    async def send(
        self, method: str, path: str, headers: dict[str, str], data: Any = None
    ) -> ClientResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        own = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if own:
            sent["Cookie"] = "; ".join(filter(None, [sent.get("Cookie", ""), own]))
        address = URL(str(self.client.make_url("")) + path, encoded=True)  # to the letter
        answer = await self.client.session.request(
            method, address, headers=sent, data=data, allow_redirects=False
        )
        self.client._responses.append(answer)  # closed with the client
        for header in answer.headers.getall("Set-Cookie", []):
            self._keep(header)
        return answer

    def _keep(self, header: str) -> None:
        self.told.append(header)
        for name, morsel in SimpleCookie(header).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def asked_of(answer: ClientResponse) -> dict[str, str]:
    """The parameters with which a browser is sent to the sign-in."""
    assert answer.status == 302
    query = urlsplit(answer.headers["Location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}
