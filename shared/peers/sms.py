"""The SMS gateway (spec §3.8): one-time codes and notices go out by it."""

from dataclasses import dataclass

from shared.peers.outside import NoAnswerError, Outside, Reply, unexpected


class SmsNotSentError(Exception):
    """The gateway did not say that it took the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsGateway:
    """Sends text messages. Never twice, unless the first could not have left."""

    outside: Outside

    async def send(self, *, phone: str, body: str) -> None:
        """Hand one message to the gateway; `SmsNotSentError` where it does not take it."""
        message = {"phone_number": phone, "body": body, "type": "2FA"}
        try:
            await self.outside.ask("POST", "/sms/send", json=message, read=_taken)
        except NoAnswerError as error:
            raise SmsNotSentError(str(error)) from None


def _taken(reply: Reply) -> None:
    if not 200 <= reply.status < 300:
        raise unexpected(reply)
