"""SQL that counts decisions of a period: one pass over them answers every chart."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.domain.counts import CLIENTS_SHOWN, Count
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.store.reading import decision_terms
from shared.models.schema.audit import decisions

d = decisions.c


async def counts_of(conn: AsyncConnection, asked: Asked) -> list[Count]:
    """Counts by day, rule, reason and client: days in order, the rest by number."""
    groups = _grouped(asked)
    rule = func.unnest(groups.c.rules).table_valued("rule").render_derived()
    parts = [
        _counted(groups, "day", cast(groups.c.day, Text)),
        _counted(groups, "rule", rule.c.rule, source=groups.join(rule, true())),
        _counted(groups, "reason", groups.c.reason),
        _counted(groups, "client", cast(groups.c.client_id, Text), name=groups.c.name)
        .order_by(func.sum(groups.c.number).desc())
        .limit(CLIENTS_SHOWN),
    ]
    every = union_all(*(select(part.subquery()) for part in parts)).subquery()
    total = every.c.permitted + every.c.refused
    query = select(every).order_by(every.c.kind, total.desc(), every.c.key)
    rows = (await conn.execute(query)).all()
    counts = [
        Count(
            kind=row.kind,
            key=row.key,
            name=row.name,
            permitted=int(row.permitted),
            refused=int(row.refused),
        )
        for row in rows
    ]
    days = sorted((c for c in counts if c.kind == "day"), key=lambda c: c.key)
    return [*days, *(c for c in counts if c.kind != "day")]


def _grouped(asked: Asked) -> CTE:
    day = func.date_trunc("day", d.decided_at, "UTC")
    query = select(
        day.label("day"),
        d.client_id,
        d.result,
        d.rules,
        d.reason,
        func.max(d.client_name).label("name"),
        func.count().label("number"),
    ).where(*decision_terms(asked))
    query = query.group_by(day, d.client_id, d.result, d.rules, d.reason)
    return query.cte("groups")


def _counted(
    groups: CTE,
    kind: str,
    key: ColumnElement[Any],
    *,
    name: ColumnElement[Any] | None = None,
    source: FromClause | None = None,
) -> Select[Any]:
    number = func.sum(groups.c.number)
    return (
        select(
            literal(kind).label("kind"),
            key.label("key"),
            (cast(null(), Text) if name is None else func.max(name)).label("name"),
            func.coalesce(number.filter(groups.c.result), 0).label("permitted"),
            func.coalesce(number.filter(~groups.c.result), 0).label("refused"),
        )
        .select_from(groups if source is None else source)
        .where(key.is_not(None))
        .group_by(key)
    )
