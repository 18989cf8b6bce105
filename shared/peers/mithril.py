"""mithril-api as its neighbours call it: is this access token good, and whose is it (spec §7.1)."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from shared.peers.breaker import Breaker
from shared.peers.mithril_answers import (
    KeyVerdict,
    MithrilUnavailableError,
    RefusedToken,
    Verdict,
    VerifiedKey,
    VerifiedToken,
    read_counts,
    read_key,
    read_many,
    read_one,
)

__all__ = [
    "KeyVerdict",
    "MithrilApi",
    "MithrilUnavailableError",
    "RefusedToken",
    "TokenAsked",
    "Verdict",
    "VerifiedKey",
    "VerifiedToken",
]

Read = TypeVar("Read")

# A bearer credential (RFC 6750 §2.1); one of dots alone would name another path.
_MAKING_KEYS = 20.0
_CREDENTIAL = re.compile(r"^(?!\.+\Z)[A-Za-z0-9._~+/-]{1,8000}=*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAsked:
    """A token to verify, and the api-key that came with it."""

    value: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MithrilApi:
    """Asks the internal listener of mithril-api. Token values go nowhere but there.

    One deadline covers both tries; only a connection that was refused or cut is tried again,
    since asking twice changes nothing (one that was cut, by the session itself). While the
    breaker is open no one waits.
    """

    url: str
    session: Callable[
        [], aiohttp.ClientSession
    ]  # made on the running loop, when first used
    service_token: str = field(repr=False)
    deadline: float = 2.0
    # Whether the caller has whoever shows a token prove what it is bound to. To anybody else a
    # token that is bound is none: it would be taken from whoever has a copy.
    checks_holders: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    async def verify(
        self, token: str, *, api_key: str | None = None, request_id: str | None = None
    ) -> Verdict:
        """The verdict on a token; `MithrilUnavailableError` where none can be had."""
        if _CREDENTIAL.match(token) is None:
            return RefusedToken(reason="malformed")
        headers = {} if api_key is None else {"api-key": api_key}
        path = f"/admin/tokens/{quote(token, safe='')}/verify"
        verdict = await self._ask(
            "GET", path, read_one, headers=headers, request_id=request_id
        )
        return self._usable(verdict)

    async def verify_many(
        self, asked: Sequence[TokenAsked], *, request_id: str | None = None
    ) -> list[Verdict]:
        """The verdicts on several tokens at once, in the order asked."""
        fit = [item for item in asked if _CREDENTIAL.match(item.value) is not None]
        told: list[Verdict] = []
        if fit:
            tokens = [{"value": item.value, "api_key": item.api_key} for item in fit]
            told = await self._ask(
                "POST",
                "/admin/tokens/verify",
                read_many,
                body=orjson.dumps({"tokens": tokens}),
                request_id=request_id,
            )
            if len(told) != len(fit):
                raise MithrilUnavailableError("mithril-api's answer cannot be read")
        verdicts = dict(zip(map(id, fit), map(self._usable, told), strict=True))
        malformed = RefusedToken(reason="malformed")
        return [verdicts.get(id(item), malformed) for item in asked]

    async def verify_key(
        self, api_key: str, *, request_id: str | None = None
    ) -> KeyVerdict:
        """The verdict on the api-key of a MIS that comes alone."""
        if _CREDENTIAL.match(api_key) is None:
            return RefusedToken(reason="malformed")
        path = f"/admin/api_key/{quote(api_key, safe='')}/verify"
        return await self._ask("GET", path, read_key, request_id=request_id)

    async def keep_signing_keys(self) -> Mapping[str, int]:
        """Have signing keys made and ended that are due: how many of each.

        It takes as long as keys take to be made, and asking twice makes none twice.
        """
        path = "/admin/signing_keys/actions/keep"
        return await self._ask("POST", path, read_counts, deadline=_MAKING_KEYS)

    def _usable(self, verdict: Verdict) -> Verdict:
        bound = isinstance(verdict, VerifiedToken) and verdict.confirmation.is_bound
        return (
            RefusedToken(reason="bound") if bound and not self.checks_holders else verdict
        )

    async def _ask(
        self,
        method: str,
        path: str,
        read: Callable[[int, bytes], Read],
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
        deadline: float | None = None,
    ) -> Read:
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise MithrilUnavailableError("mithril-api did not answer of late")
        sent = {"Authorization": f"Bearer {self.service_token}", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if request_id is not None:
            sent["X-Request-ID"] = request_id
        try:
            answer = await self._answer(method, path, body, sent, deadline or self.deadline)
            verdict = read(*answer)
        except MithrilUnavailableError:
            self.breaker.failed(now())
            raise
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return verdict

    async def _answer(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> tuple[int, bytes]:
        async def once() -> tuple[int, bytes]:
            url = URL(self.url.rstrip("/") + path, encoded=True)
            async with self.session().request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                return answer.status, await answer.read()

        try:
            async with asyncio.timeout(deadline):
                try:
                    return await once()
                except aiohttp.ClientConnectorError:
                    return await once()
        # The cause is left out of each: the address asked for has the token in it.
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"mithril-api did not answer: {type(error).__name__}"
            raise MithrilUnavailableError(text) from None
