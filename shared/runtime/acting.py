"""Who does the work at hand: the user whose access token a request carried, if it was one."""

from contextvars import ContextVar
from uuid import UUID

current: ContextVar[UUID | None] = ContextVar("actor", default=None)
