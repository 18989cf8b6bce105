"""Names for the identifiers that services exchange: all are UUIDs, none may stand for another."""

from typing import NewType
from uuid import UUID

UserId = NewType("UserId", UUID)
ClientId = NewType("ClientId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
AppId = NewType("AppId", UUID)
TokenId = NewType("TokenId", UUID)
FamilyId = NewType("FamilyId", UUID)
RoleId = NewType("RoleId", UUID)
EventId = NewType("EventId", UUID)
