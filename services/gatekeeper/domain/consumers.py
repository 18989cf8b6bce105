"""What the service behind the gateway is told of its caller: the four headers, always all."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from shared.models.access import Consumer
from shared.models.scopes import joined
from shared.peers.mithril import VerifiedKey, VerifiedToken

CONSUMER_ID, PERSON_ID, CONSUMER_SCOPE, CONSUMER_METADATA = (
    "X-Consumer-Id",
    "X-Person-Id",
    "X-Consumer-Scope",
    "X-Consumer-Metadata",
)
NOBODY: Mapping[str, str] = MappingProxyType(
    {CONSUMER_ID: "", PERSON_ID: "", CONSUMER_SCOPE: "", CONSUMER_METADATA: ""}
)


def headers_of(verified: VerifiedToken | VerifiedKey) -> dict[str, str]:
    """The headers. Metadata holds no secret and no token, unlike the original's."""
    scope = joined(sorted(verified.scope))
    metadata = {"client_id": str(verified.client_id), "scope": scope}
    if verified.mis_client_id is not None:
        metadata["mis_client_id"] = str(verified.mis_client_id)
    if verified.broker_scope is not None:
        metadata["broker_scope"] = joined(sorted(verified.broker_scope))
    if isinstance(verified, VerifiedKey):
        # Of a MIS without a user: the names are there, so that none of the caller's get by.
        return {
            **NOBODY,
            CONSUMER_SCOPE: scope,
            CONSUMER_METADATA: json.dumps(metadata, separators=(",", ":")),
        }
    if verified.client_type is not None:
        metadata["client_type"] = verified.client_type
    person = verified.person_id
    return {
        CONSUMER_ID: str(verified.user_id),
        PERSON_ID: "" if person is None else str(person),
        CONSUMER_SCOPE: scope,
        CONSUMER_METADATA: json.dumps(metadata, separators=(",", ":")),
    }


def consumer_of(verified: VerifiedToken) -> Consumer:
    """Who asks abac-api."""
    return Consumer(
        user_id=verified.user_id,
        client_id=verified.client_id,
        client_type=verified.client_type,
        mis_client_id=verified.mis_client_id,
        person_id=verified.person_id,
    )


def missing_allowances(
    required: Sequence[str], verified: VerifiedToken | VerifiedKey
) -> list[str]:
    """The scopes that a rule wants and the caller, or the broker between, has not."""
    return [scope for scope in required if scope not in verified.scope]
