"""The digital signature service (spec §3.4): what was signed, by whom, and whether truly."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.peers.outside import NoAnswerError, Outside, Reply, unexpected

# What the service says of the content itself; anything else is between it and us.
_RELAYED = frozenset({400, 409, 413, 422})


class SignaturesUnavailableError(Exception):
    """The service cannot be asked: nothing is known of the content."""


class SignatureServiceError(Exception):
    """The service refuses the content; `error` is its error object, to be relayed."""

    def __init__(self, status: int, error: dict[str, object]) -> None:
        super().__init__(f"the signature service answered {status}")
        self.status = status
        self.error = error


class Signer(BaseModel):
    """Who signed, as the certificate names them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    drfo: str | None = Field(None, repr=False)
    edrpou: str | None = Field(None, repr=False)
    surname: str | None = Field(None, repr=False)
    given_name: str | None = Field(None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedContent:
    """What was signed: `content` is empty where that is no JSON object.

    `valid` says that there is a signature and that all are good; else `error` says why not.
    """

    content: dict[str, object] = field(repr=False)
    signers: tuple[Signer, ...]
    valid: bool
    error: str | None = None


class _Signature(BaseModel):
    model_config = ConfigDict(extra="ignore")
    is_valid: bool
    validation_error_message: str | None = None
    signer: Signer = Signer()


class _Data(BaseModel):
    model_config = ConfigDict(extra="ignore")
    content: object = None
    signatures: list[_Signature]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    data: _Data


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureService:
    """Asks the service to open and verify signed content."""

    outside: Outside

    async def verify(self, content: str) -> SignedContent:
        """Open base64 signed content.

        `SignatureServiceError` relays a refusal; `SignaturesUnavailableError` where there is
        no answer.
        """
        body = {"signed_content": content, "signed_content_encoding": "base64"}
        try:
            answer = await self.outside.ask(
                "POST", "/digital_signatures", json=body, read=_opened
            )
        except NoAnswerError as error:
            raise SignaturesUnavailableError(str(error)) from None
        if isinstance(answer, SignatureServiceError):
            raise answer
        return answer


def _opened(reply: Reply) -> SignedContent | SignatureServiceError:
    if reply.status in _RELAYED:
        error = reply.json().get("error")
        if isinstance(error, dict):
            return SignatureServiceError(reply.status, error)
    if reply.status != 200:
        raise unexpected(reply)
    try:
        data = _Body.model_validate_json(reply.body).data
    except ValidationError:
        raise NoAnswerError("its answer cannot be read") from None
    bad = [signature for signature in data.signatures if not signature.is_valid]
    return SignedContent(
        content=data.content if isinstance(data.content, dict) else {},
        signers=tuple(signature.signer for signature in data.signatures),
        valid=bool(data.signatures) and not bad,
        error=_reason(data.signatures, bad),
    )


def _reason(signatures: list[_Signature], bad: list[_Signature]) -> str | None:
    if not signatures:
        return "document is not signed"
    return bad[0].validation_error_message or "signature is invalid" if bad else None
