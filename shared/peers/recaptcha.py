"""reCAPTCHA (spec §3.2): whether a sign-in form was sent by a person."""

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from shared.peers.outside import NoAnswerError, Outside, Reply, unexpected

UNAVAILABLE = "captcha-unavailable"
LOW_SCORE = "low-score"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptchaVerdict:
    """Whether the response is good; the error codes of the verifier where it is not."""

    ok: bool
    errors: tuple[str, ...] = ()


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    success: bool
    score: float | None = None  # of version 3 alone
    error_codes: list[str] = Field([], alias="error-codes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recaptcha:
    """Asks the verifier. A response may be used once, so nothing is asked twice.

    Fails closed: a verifier that cannot be asked is the error `captcha-unavailable`.
    """

    outside: Outside
    secret: SecretStr = field(repr=False)
    min_score: float

    async def check(self, response: str, *, address: str | None = None) -> CaptchaVerdict:
        """The verdict on what the page's widget gave; `address` is the browser's."""
        form = {"secret": self.secret.get_secret_value(), "response": response}
        if address is not None:
            form["remoteip"] = address
        try:
            body = await self.outside.ask("POST", "", form=form, read=_verdict)
        except NoAnswerError:
            return CaptchaVerdict(ok=False, errors=(UNAVAILABLE,))
        if not body.success:
            return CaptchaVerdict(ok=False, errors=tuple(body.error_codes))
        if body.score is not None and body.score < self.min_score:
            return CaptchaVerdict(ok=False, errors=(LOW_SCORE,))
        return CaptchaVerdict(ok=True)


def _verdict(reply: Reply) -> _Body:
    if reply.status != 200:
        raise unexpected(reply)
    try:
        return _Body.model_validate_json(reply.body)
    except ValidationError:
        raise NoAnswerError("its answer cannot be read") from None
