"""Runs after the first: nothing new, something new, something gone, or the end in between."""

import asyncio
import json
import sys
from collections.abc import Mapping
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from services.mithril_api.actions.legacy.import_legacy import ImportRefusedError
from services.mithril_api.cli_legacy import cli
from services.mithril_api.progress import told_on
from services.mithril_api.store.legacy.source import NotTheOriginalError
from shared.runtime.postgres import DatabaseUnavailableError, OldSchemaError
from shared.runtime.settings import inherited
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.legacy.conftest import KEY, Move
from tests.integration.mithril_api.legacy.original import Original, a_value
from tests.integration.mithril_api.legacy.test_moving_in import login, refresh, verify

_EVERYTHING = (
    *("users", "password_history", "login_failures", "factor_locks"),
    *("client_types", "clients", "connections", "connection_secrets", "apps"),
    *("roles", "user_roles", "global_user_roles", "authentication_factors"),
    *("client_block_history", "tokens", "token_expiries"),
)


async def contents(url: str) -> Mapping[str, list[str]]:
    """Every row that an import may write, whole."""
    conn = await asyncpg.connect(url)
    try:
        return {
            table: [
                row[0]
                for row in await conn.fetch(
                    f"SELECT (to_jsonb(t) - 'moved_in_at')::text FROM {table} t ORDER BY 1"  # noqa: S608 — ours
                )
            ]
            for table in _EVERYTHING
        }
    finally:
        await conn.close()


async def a_population(original: Original) -> None:
    """A little of everything."""
    wrong = {"type": "password", "is_success": False, "time": original.now.isoformat()}
    for number in range(4):
        tenant = await original.tenant(
            priv_settings={"login_hstr": [wrong], "otp_error_counter": number}
        )
        await original.add(
            "global_user_roles", user_id=tenant.user_id, role_id=tenant.role_id
        )
        await original.add(
            "authentication_factors",
            type="SMS",
            factor="+380501234567",
            user_id=tenant.user_id,
        )
        await original.conn.execute(
            "INSERT INTO clients_block_reason_hstr (legal_entity_id, is_blocked) "
            "VALUES ($1, false)",
            tenant.client_id,
        )


async def test_a_second_run_changes_nothing(
    original: Original, move: Move, mithril_database: str
) -> None:
    await a_population(original)
    first = await move()
    before = await contents(mithril_database)

    second = await move()

    assert first.of("tokens").new == 8
    assert second.changes() == 0
    assert second.of("tokens").read == 8
    assert await contents(mithril_database) == before


async def test_a_second_run_leaves_what_changed_here_since(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    await move()
    assert (await login(api, tenant))[0] == 201  # the hash is renewed
    client = {"client": {"name": "Renamed here"}}
    path = f"/admin/clients/{tenant.client_id}"
    assert (await api.internal.patch(path, json=client)).status == 200
    rotate = f"{path}/connections/{tenant.connection_id}/actions/rotate_secret"
    assert (await api.internal.patch(rotate)).status == 200
    before = await contents(api.deps.settings.database_url.get_secret_value())

    report = await move()

    assert report.changes() == 0
    url = api.deps.settings.database_url.get_secret_value()
    assert await contents(url) == before


async def test_what_is_new_or_changed_comes_with_the_next_run(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    await move()
    later = await original.tenant()
    extra = await original.token("access_token", tenant.user_id, tenant.client_id)
    secret = a_value()
    await original.change("connections", tenant.connection_id, secret=secret)
    await original.change("apps", tenant.app_id, scope="person:read")

    report = await move()

    assert report.of("tokens").new == 3
    assert (await refresh(api, later))[0] == 201
    assert (await verify(api, extra))[0] == 200
    assert (await refresh(api, tenant))[1]["error"]["type"] == "invalid_client"
    status, body = await refresh(api, tenant, client_secret=secret)
    assert status == 201
    assert body["data"]["details"]["scope"] == "person:read"


async def test_a_token_that_ended_there_ends_here_and_one_that_was_prolonged_lives_on(
    original: Original, move: Move, api: Api
) -> None:
    tenant, other, third = [await original.tenant() for _ in range(3)]
    await move()
    # Without the time of the change: the original ended tokens by one statement for many.
    await original.conn.execute(
        "UPDATE tokens SET expires_at = $1 WHERE value = $2",
        original.second(-timedelta(seconds=1)),
        tenant.access,
    )
    await original.conn.execute("DELETE FROM tokens WHERE value = $1", other.refresh)
    await original.conn.execute(
        "UPDATE tokens SET expires_at = $1 WHERE value = $2",
        original.second(timedelta(weeks=3)),
        third.access,
    )

    report = await move()

    assert (report.of("tokens").changed, report.of("tokens").removed) == (1, 2)
    assert (await verify(api, tenant.access))[0] == 401
    assert (await refresh(api, other))[1]["error"]["type"] == "token_expired"
    status, body = await verify(api, third.access)
    assert status == 200
    assert body["data"]["expires_at"] == original.second(timedelta(weeks=3))
    assert (await refresh(api, tenant))[0] == 201


async def test_what_was_removed_there_is_removed_here(
    original: Original, move: Move, api: Api
) -> None:
    gone, unapproved, kept = [await original.tenant() for _ in range(3)]
    await move()
    await original.remove("users", gone.user_id)
    await original.remove("apps", unapproved.app_id)

    report = await move()

    assert report.of("users").removed == 1
    assert (await verify(api, gone.access))[0] in {401, 404}
    text = "Resource owner revoked access for the client."
    assert (await refresh(api, unapproved))[1]["error"]["message"] == text
    assert (await refresh(api, kept))[0] == 201


async def test_an_approval_that_was_given_anew_takes_the_place_of_the_former(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    await move()
    await original.remove("apps", tenant.app_id)
    # The smallest id and the largest one: whichever of the two rows is looked at first.
    for again in (UUID(int=1), UUID(int=2**128 - 1)):
        await original.conn.execute("DELETE FROM apps")
        await original.add(
            "apps",
            id=again,
            scope="person:read",
            user_id=tenant.user_id,
            client_id=tenant.client_id,
        )
        await move()

        status, body = await refresh(api, tenant)
        assert status == 201
        assert body["data"]["details"]["app_id"] == str(again)


async def test_two_users_who_swapped_their_addresses_are_told_apart(
    original: Original, move: Move, api: Api
) -> None:
    first, second = await original.tenant(), await original.tenant()
    await move()
    await original.change("users", first.user_id, email="between@clinic.test")
    await original.change("users", second.user_id, email=first.email)
    await original.change("users", first.user_id, email=second.email)

    await move()
    report = await move()

    assert report.changes() == 0
    for user, email in ((first, second.email), (second, first.email)):
        answer = await api.internal.get(f"/admin/users/{user.user_id}")
        assert (await answer.json())["data"]["email"] == email
        assert (await refresh(api, user))[0] == 201


def run_command(*arguments: str, environment: Mapping[str, str]) -> Result:
    """The command, within this process."""
    env = {"MITHRIL_SECRET_KEYS": KEY} | dict(environment)
    return CliRunner().invoke(cli, list(arguments), env=env)


async def until_killed(*arguments: str, place: str) -> int:
    """The command as a process of its own, which ends at a failpoint; its status."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.mithril_api.cli_legacy", *arguments),
        env=inherited() | {"MITHRIL_SECRET_KEYS": KEY, "MITHRIL_FAILPOINTS": place},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await process.wait()


@pytest.mark.parametrize(
    "place",
    ["import.written:9", "import.committed:6", "import.tokens-written:2"],
)
async def test_a_killed_import_is_begun_again_and_ends_as_if_nothing_had_been(
    place: str, original: Original, move: Move, mithril_database: str
) -> None:
    await a_population(original)
    arguments = ("--from", original.url, "--to", mithril_database, "--batch", "3")
    assert await until_killed(*arguments, place=place) == -9
    half = await contents(mithril_database)

    report = await move()

    assert any(half[table] for table in _EVERYTHING)
    assert report.changes() > 0
    whole = await contents(mithril_database)
    assert len(whole["tokens"]) == 8
    assert (await move()).changes() == 0
    assert await contents(mithril_database) == whole


async def test_the_command_tells_programs_how_far_it_is_and_what_it_found(
    original: Original, mithril_database: str, tmp_path: Path
) -> None:
    await original.tenant()
    await original.token("access_token", None, uuid4())
    path = tmp_path / "report.json"
    arguments = ("--report", str(path), "--batch", "2")
    environment = {
        "DATABASE_URL": mithril_database,
        "MITHRIL_LEGACY_DATABASE_URL": original.url,
    }

    told = await asyncio.to_thread(run_command, *arguments, environment=environment)
    also = (*arguments, "--accept", "token-without-user")
    accepted = await asyncio.to_thread(run_command, *also, environment=environment)

    assert (told.exit_code, accepted.exit_code) == (1, 0)
    steps = [json.loads(line) for line in told.stderr.splitlines()]
    assert steps[-1] == {"table": "tokens", "done": 3, "total": 3}
    assert "tokens: token-without-user: 1 (left out)" in told.stdout
    report = json.loads(path.read_text())
    assert report["tables"]["tokens"]["read"] == 3
    assert [item["problem"] for item in report["problems"]] == ["token-without-user"]


def test_an_import_that_cannot_be_done_says_why_and_exits_with_two(
    mithril_database: str,
) -> None:
    nowhere = "postgresql://nobody:s3cret@127.0.0.1:1/none"
    told = run_command("--from", nowhere, "--to", mithril_database, environment={})
    aimless = run_command("--from", nowhere, environment={"DATABASE_URL": ""})

    assert (told.exit_code, aimless.exit_code) == (2, 2)
    assert told.stderr.startswith("cannot import: ")
    assert "s3cret" not in told.output
    assert "DATABASE_URL" in aimless.stderr


async def test_a_database_that_is_none_of_the_original_is_refused(
    original: Original, move: Move
) -> None:
    await original.tenant()
    await original.conn.execute("ALTER TABLE clients DROP COLUMN priv_settings")
    await original.conn.execute("DROP TABLE connections")

    with pytest.raises(NotTheOriginalError) as refused:
        await move()

    assert "clients.priv_settings" in str(refused.value)
    assert "connections.secret" in str(refused.value)


async def test_an_empty_database_is_refused_since_it_would_end_everything(
    original: Original, move: Move
) -> None:
    with pytest.raises(ImportRefusedError, match="no users"):
        await move()


async def test_another_database_than_before_is_refused_unless_it_is_said_to_be_the_same(
    original: Original, move: Move
) -> None:
    await original.tenant()
    await move()
    elsewhere = original.url.replace("127.0.0.1", "localhost")

    with pytest.raises(ImportRefusedError, match="--another-source"):
        await move(source=elsewhere)

    assert (await move(source=elsewhere, another_source=True)).changes() == 0


async def test_a_database_of_ours_that_is_not_migrated_is_refused(
    original: Original, move: Move
) -> None:
    with pytest.raises(OldSchemaError):
        await move(target=original.url)


async def test_one_import_runs_at_a_time(
    original: Original, move: Move, mithril_database: str
) -> None:
    await original.tenant()
    conn = await asyncpg.connect(mithril_database)
    await conn.execute("SELECT pg_advisory_lock(hashtext('mithril import-legacy'))")

    with pytest.raises(ImportRefusedError, match="another import is running"):
        await move()
    await conn.close()


async def test_a_target_that_is_away_is_said_so(original: Original, move: Move) -> None:
    with pytest.raises(DatabaseUnavailableError):
        await move(target="postgresql://nobody@127.0.0.1:1/none")


async def test_a_database_that_goes_while_tokens_are_written_is_said_to_be_away(
    original: Original, move: Move, mithril_database: str
) -> None:
    await original.tenant()
    conn = await asyncpg.connect(mithril_database)
    await conn.execute(
        "CREATE FUNCTION go() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$; "
        "CREATE TRIGGER going BEFORE INSERT ON token_expiries "
        "FOR EACH ROW EXECUTE FUNCTION go()"
    )

    with pytest.raises(DatabaseUnavailableError):
        await move()

    await conn.execute("DROP TRIGGER going ON token_expiries")
    assert (await move()).of("tokens").new == 2
    await conn.close()


def test_on_a_terminal_a_bar_shows_how_far_it_is_and_when_it_ends() -> None:
    terminal = Console(file=StringIO(), force_terminal=True, width=120)

    with told_on(terminal) as progress:
        progress.begin("users", 10)
        progress.advance("users", 10)
        progress.begin("tokens", 4)
        progress.advance("tokens", 1)

    assert isinstance(terminal.file, StringIO)
    shown = terminal.file.getvalue()
    assert "users" in shown
    assert "10/10" in shown
    assert "1/4" in shown
