"""Take a request for a link to set a new password: the same for whoever it names."""

from dataclasses import dataclass, field

from services.mithril_api.deps import Deps
from services.mithril_api.domain.mails import MailId, MailKind
from services.mithril_api.domain.recovery import Return
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import mails


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryAsked:
    """Whose password, and where they were on the way to."""

    email: str = field(repr=False)
    goal: Return | None = None


async def request_recovery(deps: Deps, asked: RecoveryAsked) -> Refused | None:
    """None: it is accepted, and survives whatever happens to this process.

    Whether the address is anybody's is asked when the mail is sent, by no one who waits: the
    answer and the time it takes cannot tell.
    """
    if deps.mailer is None:
        return Refused(Reason.RECOVERY_OFF)
    details = {}
    if asked.goal is not None:
        details = {
            "client_id": str(asked.goal.client_id),
            "redirect_uri": asked.goal.redirect_uri,
        }
    async with deps.db.begin() as conn:
        await mails.add(
            conn,
            mail_id=MailId(deps.entropy.uuid()),
            kind=MailKind.RECOVERY,
            recipient=asked.email.lower(),
            details=details,
            now=deps.clock.now(),
        )
    deps.owed()
    return None
