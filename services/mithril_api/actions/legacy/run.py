"""An import under way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.mithril_api.domain.legacy.moving import Known
from services.mithril_api.domain.legacy.report import Report
from services.mithril_api.store.legacy.source import Source


@dataclass(slots=True, kw_only=True)
class Run:
    """What the steps of an import hand on."""

    id: UUID
    source: Source
    report: Report
    known: Known
    now: datetime
    sweep: bool  # whether anything moved in before, and may be gone there
