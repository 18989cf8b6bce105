"""Every page of the console on one page, with the scope that it needs."""

from aiohttp import web

from services.admin_web.domain.menu import (
    AUDIT_EXPORT,
    AUDIT_READ,
    CLIENTS_READ,
    JOBS_READ,
    TOKENS_READ,
    USERS_READ,
)
from services.admin_web.handlers import (
    audit,
    client_changes,
    clients,
    connection_changes,
    exports,
    home,
    jobs,
    scope_lists,
    tokens,
    user_changes,
    users,
)
from services.admin_web.handlers.changes import add_change
from services.admin_web.handlers.viewers import Handler, page


def add_public(app: web.Application) -> None:
    """What stands behind gatekeeper."""
    _get(app, "/", home.get_home)
    app.router.add_post("/language", home.post_language)
    _add_users(app)
    _add_clients(app)
    _add_access(app)
    _get(app, "/jobs", jobs.get_all, JOBS_READ)
    _get(app, "/jobs/{name}", jobs.get_one, JOBS_READ)
    add_change(app, "/jobs/{name}/run", jobs.RunJob())
    _get(app, "/queues", jobs.get_queues, JOBS_READ)
    _add_audit(app)


def _get(
    app: web.Application, path: str, handler: Handler, scope: str | None = None
) -> None:
    app.router.add_get(path, page(handler, scope=scope))


def _add_users(app: web.Application) -> None:
    one = "/users/{id}"
    _get(app, "/users", users.get_all, USERS_READ)
    _get(app, one, users.get_one, USERS_READ)
    add_change(app, f"{one}/block", user_changes.Block())
    add_change(app, f"{one}/unblock", user_changes.Unblock())
    add_change(app, f"{one}/sessions/end", user_changes.EndSessions())
    add_change(app, f"{one}/factors/{{factor_id}}/{{action}}", user_changes.ChangeFactor())
    add_change(
        app, f"{one}/approvals/{{client_id}}/withdraw", user_changes.WithdrawApproval()
    )
    add_change(app, f"{one}/roles/grant", user_changes.GrantRole())
    withdraw = "{granted_id}/withdraw"
    add_change(app, f"{one}/roles/{withdraw}", user_changes.WithdrawRoleInClient())
    add_change(app, f"{one}/global-roles/{withdraw}", user_changes.WithdrawGlobalRole())


def _add_clients(app: web.Application) -> None:
    one = "/clients/{id}"
    connection = f"{one}/connections/{{connection_id}}"
    _get(app, "/clients", clients.get_all, CLIENTS_READ)
    _get(app, one, clients.get_one, CLIENTS_READ)
    add_change(app, f"{one}/edit", client_changes.EditClient())
    add_change(app, f"{one}/block", client_changes.BlockClient())
    add_change(app, f"{one}/unblock", client_changes.UnblockClient())
    add_change(app, f"{one}/tokens/end", client_changes.EndClientTokens())
    add_change(app, f"{one}/connections/open", connection_changes.OpenConnection())
    _get(app, connection, clients.get_connection, CLIENTS_READ)
    add_change(app, f"{connection}/move", connection_changes.MoveConnection())
    add_change(app, f"{connection}/rotate", connection_changes.RotateSecret())
    add_change(app, f"{connection}/delete", connection_changes.DeleteConnection())


def _add_access(app: web.Application) -> None:
    for kind in scope_lists.KINDS:
        read = f"{kind.name}:read"
        _get(app, kind.path, scope_lists.list_page(kind), read)
        _get(app, f"{kind.path}/{{id}}", scope_lists.one_page(kind), read)
        add_change(app, f"{kind.path}/{{id}}/edit", scope_lists.EditScopeList(kind))
    _get(app, "/tokens", tokens.get_all, TOKENS_READ)
    _get(app, "/tokens/{id}", tokens.get_one, TOKENS_READ)
    add_change(app, "/tokens/{id}/revoke", tokens.RevokeToken())


def _add_audit(app: web.Application) -> None:
    _get(app, "/audit", audit.get_decisions, AUDIT_READ)
    _get(app, "/audit/export", exports.get_decisions, AUDIT_EXPORT)
    _get(app, "/audit/accounts", audit.get_events, AUDIT_READ)
    _get(app, "/audit/accounts/export", exports.get_events, AUDIT_EXPORT)
    _get(app, "/audit/queries", audit.get_queries, AUDIT_READ)
    _get(app, "/audit/integrity", audit.get_integrity, AUDIT_READ)
    _get(app, "/audit/{id}", audit.get_decision, AUDIT_READ)
