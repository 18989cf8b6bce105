"""abac-api as a gateway calls it: may this consumer do this to that (spec §9.3)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

import aiohttp
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.models.access import Consumer, Context, Resource
from shared.peers.breaker import Breaker


class AbacUnavailableError(Exception):
    """abac-api gave no decision; the message may be logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision, which abac-api has recorded under its id."""

    result: bool
    decision_id: UUID


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    result: bool
    decision_id: UUID


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Data


@dataclass(frozen=True, slots=True, kw_only=True)
class AbacApi:
    """Asks the public listener of abac-api. A decision that does not come is no permit.

    One deadline covers all; only a connection that could not be made is tried again, since
    every question that arrives is recorded. While the breaker is open no one waits.
    """

    url: str
    session: Callable[[], aiohttp.ClientSession]  # on the running loop, when first used
    service_token: str = field(repr=False)
    deadline: float = 2.0
    breaker: Breaker = field(default_factory=Breaker)

    async def authorize(
        self,
        consumer: Consumer,
        resource: Resource,
        contexts: Sequence[Context],
        *,
        request_id: str | None = None,
    ) -> Decided:
        """The decision; `AbacUnavailableError` where none can be had."""
        now = asyncio.get_running_loop().time
        if not self.breaker.allows(now()):
            raise AbacUnavailableError("abac-api did not answer of late")
        body = orjson.dumps(
            {
                "consumer": _given(consumer),
                "resource": _given(resource),
                "contexts": [asdict(context) for context in contexts],
            },
            default=str,
        )
        headers = {
            "Authorization": f"Bearer {self.service_token}",
            "Content-Type": "application/json",
        }
        if request_id is not None:
            headers["X-Request-ID"] = request_id
        try:
            decided = await self._decided(body, headers)
        except AbacUnavailableError:
            self.breaker.failed(now())
            raise
        except BaseException:
            self.breaker.released()
            raise
        self.breaker.succeeded()
        return decided

    async def _decided(self, body: bytes, headers: dict[str, str]) -> Decided:
        async def once() -> tuple[int, bytes]:
            async with self.session().post(
                f"{self.url.rstrip('/')}/api/authorize",
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return answer.status, await answer.read()

        try:
            async with asyncio.timeout(self.deadline):
                try:
                    status, raw = await once()
                except aiohttp.ClientConnectorError:
                    status, raw = await once()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"abac-api did not answer: {type(error).__name__}"
            raise AbacUnavailableError(text) from None
        if status != 200:
            raise AbacUnavailableError(f"abac-api answered {status}")
        try:
            data = _Body.model_validate_json(raw).data
        except ValidationError:
            raise AbacUnavailableError("abac-api's answer cannot be read") from None
        return Decided(result=data.result, decision_id=data.decision_id)


def _given(noun: Consumer | Resource) -> dict[str, object]:
    """Its fields, without those that have no value: abac-api takes a null id for a mistake."""
    return {name: value for name, value in asdict(noun).items() if value is not None}
