"""All that an action may use that is not pure."""

from collections.abc import Callable
from dataclasses import dataclass

from services.mithril_api.leases import QuotaLeases
from services.mithril_api.metrics import Metrics
from services.mithril_api.ring import RingCache
from services.mithril_api.settings import Settings
from services.mithril_api.uses import ConnectionUses
from shared.peers.backchannel import Backchannel
from shared.peers.breaches import BreachList
from shared.peers.mailer import Mailer
from shared.peers.persons import MasterPatientIndex
from shared.peers.recaptcha import Recaptcha
from shared.peers.signatures import SignatureService
from shared.peers.sms import SmsGateway
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.gate import Gate
from shared.runtime.passwords import PasswordHasher
from shared.runtime.postgres import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Given to every action; made once, in `app.py`."""

    db: Database
    clock: Clock
    entropy: Entropy
    settings: Settings
    passwords: PasswordHasher
    # Sign-ins and their limits pass through, each transaction of theirs: a storm of them
    # leaves room in the pool to those who refresh.
    sign_ins: Gate
    metrics: Metrics
    committed: Callable[[], None]  # called after a commit that published: wakes our relay
    uses: ConnectionUses
    quotas: QuotaLeases
    ring: RingCache
    owed: Callable[[], None]  # called after a commit that owes a mail: wakes the postman
    session_over: Callable[[], None]  # called after a commit that owes logout tokens
    backchannel: Backchannel
    # The outside systems; none where it is not configured.
    sms: SmsGateway | None
    mailer: Mailer | None
    signatures: SignatureService | None
    persons: MasterPatientIndex | None
    recaptcha: Recaptcha | None
    breaches: BreachList | None
