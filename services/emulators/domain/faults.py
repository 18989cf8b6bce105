"""How an emulated system is made to fail or to be slow."""

from dataclasses import dataclass

NAMES = ("sms-gateway", "signatures", "mpi", "recaptcha", "breach-list", "smtp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """First wait so many seconds, then answer this status instead of the usual."""

    status: int | None = None
    delay: float = 0.0

    def rendered(self) -> dict[str, int | float | None]:
        """As JSON."""
        return {"status": self.status, "delay": self.delay}


NO_FAULT = Fault()
