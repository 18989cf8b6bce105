"""A user answers what a device asked for: shown, allowed, or refused (RFC 8628 §3.3)."""

from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.authorize_app import (
    Approved,
    ConsentAsked,
    approve_within,
    code_details,
)
from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.preview_app import Preview, preview_within
from services.mithril_api.deps import Deps
from services.mithril_api.domain.grants import DEVICE_CODE
from services.mithril_api.domain.keys import USER_CODE
from services.mithril_api.domain.minting import issued
from services.mithril_api.domain.oauth2 import devices, openid, scopes
from services.mithril_api.domain.oauth2.devices import Waiting
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import device_authorizations, tokens
from shared.models.ids import ClientId, UserId
from shared.models.tokens import TokenName
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAnswer:
    """Whose answer, for which code, in which session (none: a gateway vouches)."""

    user_id: UserId
    user_code: str = field(repr=False)
    session: Token | None


async def show(deps: Deps, asked: DeviceAnswer) -> Preview | Refused:
    """What the user would allow. Changes nothing."""
    async with deps.db.read() as conn:
        waiting = await device_authorizations.find_by_user_code(conn, _digests(deps, asked))
        if waiting is None or not waiting.is_open(deps.clock.now()):
            return Refused(Reason.DEVICE_CODE_UNKNOWN)
        return await preview_within(deps, conn, _consent(asked, waiting))


async def allow(deps: Deps, asked: DeviceAnswer) -> ClientId | Refused:
    """The user allows it: the device's code buys tokens from now on, once."""
    outcome = await retrying(lambda: _allow(deps, asked))
    deps.committed()
    return outcome


async def refuse(deps: Deps, asked: DeviceAnswer) -> ClientId | Refused:
    """The user does not: the device is told so at its next poll."""
    async with deps.db.begin() as conn:
        found = await _lock(deps, conn, asked)
        if isinstance(found, Refused):
            return found
        digest, waiting = found
        await device_authorizations.deny(conn, digest, at=deps.clock.now())
        return waiting.client_id


async def _allow(deps: Deps, asked: DeviceAnswer) -> ClientId | Refused:
    async with deps.db.begin() as conn:
        found = await _lock(deps, conn, asked)
        if isinstance(found, Refused):
            return found
        digest, waiting = found
        consent = _consent(asked, waiting)
        approved = await approve_within(deps, conn, consent)
        if isinstance(approved, Refused):
            return approved
        code = _code(deps, consent, waiting, digest, approved)
        told = (approved.event(), issued(code))
        messages = [message(deps, event, at=code.inserted_at) for event in told]
        await tokens.add(conn, [code], messages)
        await device_authorizations.remove(conn, digest)
        return waiting.client_id


def _code(
    deps: Deps,
    consent: ConsentAsked,
    waiting: Waiting,
    digest: bytes,
    approved: Approved,
) -> Token:
    """The answer as an authorization code whose value the device has had from the start.

    So it is used once, ends with the approval and with its user's other tokens, and takes its
    family along when it comes again.
    """
    minted = mint(
        deps,
        TokenName.CODE,
        user_id=consent.user_id,
        client_id=waiting.client_id,
        scope=approved.scope,
        grant_type=DEVICE_CODE,
        now=deps.clock.now(),
        expires_at=waiting.expires_at,
        app_id=approved.app.id,
        details=code_details(consent, approved.scope),
    )
    return replace(minted.token, digest=digest)


async def _lock(
    deps: Deps, conn: AsyncConnection, asked: DeviceAnswer
) -> tuple[bytes, Waiting] | Refused:
    found = await device_authorizations.lock_by_user_code(conn, _digests(deps, asked))
    if found is None or not found[1].is_open(deps.clock.now()):
        return Refused(Reason.DEVICE_CODE_UNKNOWN)
    return found


def _digests(deps: Deps, asked: DeviceAnswer) -> list[bytes]:
    code = devices.typed(asked.user_code)
    return [] if code is None else deps.settings.keyring.digests(USER_CODE, code)


def _consent(asked: DeviceAnswer, waiting: Waiting) -> ConsentAsked:
    request = waiting.request
    return ConsentAsked(
        user_id=asked.user_id,
        client_id=waiting.client_id,
        redirect_uri=None,
        scope=request.scope,
        resource=request.resource,
        unbound=scopes.OF_OPENID,
        signed_in=openid.signed_in(asked.session, issuer=request.issuer, nonce=None),
        dpop_jkt=request.dpop_jkt,
    )
