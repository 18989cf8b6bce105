"""What a scope lets a viewer see: the sections of the console, in order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An entry of the menu. Whoever has the scope sees it."""

    title: str
    path: str
    scope: str
    group: str
    says: str


USERS_READ, CLIENTS_READ, TOKENS_READ = "user:read", "client:read", "token:read"
JOBS_READ, JOBS_RUN = "scheduler:read", "scheduler:run"
AUDIT_READ, AUDIT_EXPORT = "abac_log:read", "abac_log:export"

SECTIONS = (
    Section(
        title="Users",
        path="/users",
        scope=USERS_READ,
        group="Access",
        says="Find an account, block it, reset its second factor, end its sessions.",
    ),
    Section(
        title="Clients",
        path="/clients",
        scope=CLIENTS_READ,
        group="Access",
        says="Organisations and their systems, their connections and secrets.",
    ),
    Section(
        title="Tokens",
        path="/tokens",
        scope=TOKENS_READ,
        group="Access",
        says="Find a token by whose it is or by its id, and revoke it.",
    ),
    Section(
        title="Roles",
        path="/roles",
        scope="role:read",
        group="Access",
        says="The most that a user may be granted.",
    ),
    Section(
        title="Client types",
        path="/client-types",
        scope="client_type:read",
        group="Access",
        says="The most that a client may be granted.",
    ),
    Section(
        title="Jobs",
        path="/jobs",
        scope=JOBS_READ,
        group="Operations",
        says="Timed work: when it runs, how it went, run it now.",
    ),
    Section(
        title="Queues",
        path="/queues",
        scope=JOBS_READ,
        group="Operations",
        says="Events that wait to be published or recorded.",
    ),
    Section(
        title="Access log",
        path="/audit",
        scope=AUDIT_READ,
        group="Audit",
        says="Who read what of which patient, under which rule.",
    ),
    Section(
        title="Account log",
        path="/audit/accounts",
        scope=AUDIT_READ,
        group="Audit",
        says="What became of tokens, users, clients and roles.",
    ),
    Section(
        title="Integrity",
        path="/audit/integrity",
        scope=AUDIT_READ,
        group="Audit",
        says="Whether the log is whole, and what vouches for it.",
    ),
    Section(
        title="Queries of auditors",
        path="/audit/queries",
        scope=AUDIT_READ,
        group="Audit",
        says="Who read the log itself.",
    ),
)


def seen_by(scope: frozenset[str]) -> dict[str, list[Section]]:
    """The sections by group, for a viewer with this scope. A group without any is left out."""
    groups: dict[str, list[Section]] = {}
    for section in SECTIONS:
        if section.scope in scope:
            groups.setdefault(section.group, []).append(section)
    return groups


def section_of(path: str) -> Section | None:
    """The section that a page belongs to: the one whose path is the longest part of its own."""
    within = [s for s in SECTIONS if path == s.path or path.startswith(s.path + "/")]
    return max(within, key=lambda section: len(section.path), default=None)
