"""A browser without a screen: cookies that are kept, forms that are filled in and sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(kw_only=True)
class Form:
    """A form of a page, with the values it would send."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.title = ""
        self.lang = ""
        self.alerts = ""
        self.text: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in {"input", "meta", "link", "br", "path"}:
            self._inside.append("alert" if given.get("role") == "alert" else tag)
        if tag == "html":
            self.lang = given.get("lang", "")
        elif tag == "form":
            self.forms.append(Form(action=given.get("action", "")))
        elif tag == "a":
            self.links.append(given.get("href", ""))
        elif self.forms and given.get("name"):
            if tag == "button":
                self.forms[-1].buttons.append((given["name"], given.get("value", "")))
            elif tag in {"input", "textarea"} and given.get("type") != "file":
                self.forms[-1].values[given["name"]] = given.get("value", "")

    def handle_endtag(self, _: str) -> None:
        if self._inside:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if "title" in self._inside:
            self.title += data
        if "alert" in self._inside:
            self.alerts += data
        if not {"style", "script"} & set(self._inside):
            self.text.append(data)


@dataclass(kw_only=True)
class Page:
    """What came back."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: str
    seen: _Reader = field(repr=False)

    @property
    def text(self) -> str:
        return " ".join("".join(self.seen.text).split())

    @property
    def title(self) -> str:
        return self.seen.title

    @property
    def alert(self) -> str:
        return " ".join(self.seen.alerts.split())

    @property
    def lang(self) -> str:
        return self.seen.lang

    @property
    def links(self) -> list[str]:
        return self.seen.links

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def form(self, action: str = "") -> Form:
        """The form whose action begins so; the first one, if that is not said."""
        found = [form for form in self.seen.forms if form.action.startswith(action)]
        assert found, (self.status, self.text)
        return found[0]


class Browser:
    """Keeps the cookies of one origin, `Secure` or not: loopback counts as secure."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base.rstrip("/")
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []
        self.headers: dict[str, str] = {"Accept-Language": "en"}

    async def get(
        self, path: str, *, follow: bool = True, headers: Mapping[str, str] = _NO_HEADERS
    ) -> Page:
        """Open a page; redirects within the origin are followed."""
        page = await self._send("GET", path, None, headers)
        return await self._followed(page) if follow else page

    async def submit(
        self,
        page: Page,
        values: Mapping[str, str] | None = None,
        *,
        action: str = "",
        follow: bool = True,
        without: Sequence[str] = (),
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> Page:
        """Fill in a form of the page and send it."""
        form = page.form(action)
        data = {**form.values, **(values or {})}
        ours = {"Origin": self.base, "Sec-Fetch-Site": "same-origin", **headers}
        sent = {name: value for name, value in ours.items() if name not in without}
        url = urljoin(page.url, form.action or page.url)
        answer = await self._send("POST", url, data, sent)
        return await self._followed(answer) if follow else answer

    async def _followed(self, page: Page) -> Page:
        for _ in range(10):
            if page.status not in {302, 303}:
                return page
            target = urljoin(page.url, page.location)
            if not target.startswith(self.base + "/"):
                return page
            page = await self._send("GET", target, None, {})
        raise AssertionError("redirected in circles")

    async def _send(
        self,
        method: str,
        path: str,
        data: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> Page:
        url = path if path.startswith("http") else self.base + path
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent: dict[str, Any] = {**self.headers, **headers}
        if cookie:
            sent["Cookie"] = cookie
        async with self.session.request(
            method,
            URL(url, encoded=True),
            data=data,
            headers=sent,
            allow_redirects=False,
        ) as answer:
            body = await answer.text()
            self._keep(answer.headers.getall("Set-Cookie", []))
            seen = _Reader()
            seen.feed(body)
            return Page(
                url=url,
                status=answer.status,
                headers=dict(answer.headers),
                body=body,
                seen=seen,
            )

    def _keep(self, given: list[str]) -> None:
        self.set_cookies += given
        for line in given:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
