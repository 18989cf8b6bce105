"""The one place that knows which constraint means what: the database decides, this reads it."""

from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError

from services.mithril_api.domain.refusals import Clash

CLIENT_TYPE_OF_CLIENTS = "fk_clients_client_type_id"
OWNER_OF_CLIENTS = "fk_clients_user_id"

_TAKEN: Mapping[str, str] = {
    "uq_apps_user_id_client_id": "client_id",
    "uq_authentication_factors_user_id_type": "type",
    "uq_client_types_name": "name",
    "uq_connections_client_id_consumer_id": "consumer_id",
    "uq_roles_name": "name",
    "uq_user_roles_user_id_client_id_role_id": "user_roles",
    "uq_users_email": "email",
}
_ABSENT: Mapping[str, str] = {
    "fk_apps_client_id": "client_id",
    "fk_apps_user_id": "user_id",
    "fk_authentication_factors_user_id": "user_id",
    CLIENT_TYPE_OF_CLIENTS: "client_type_id",
    OWNER_OF_CLIENTS: "user_id",
    "fk_connections_client_id": "client_id",
    "fk_connections_consumer_id": "consumer_id",
    "fk_global_user_roles_role_id": "role_id",
    "fk_global_user_roles_user_id": "user_id",
    "fk_user_roles_client_id": "client_id",
    "fk_user_roles_role_id": "role_id",
    "fk_user_roles_user_id": "user_id",
}


def clash_of(error: IntegrityError) -> Clash:
    """What a violated constraint says about the request; a constraint not listed is a fault."""
    name = constraint_of(error)
    if name in _TAKEN:
        return Clash(_TAKEN[name], taken=True)
    if name in _ABSENT:
        return Clash(_ABSENT[name], taken=False)
    raise error


def expect(error: IntegrityError, constraint: str) -> None:
    """Raise the error again unless it is this constraint that was violated."""
    if constraint_of(error) != constraint:
        raise error


def constraint_of(error: IntegrityError) -> str:
    """The name of the violated constraint."""
    cause = getattr(error.orig, "__cause__", None)
    return str(getattr(cause, "constraint_name", ""))
