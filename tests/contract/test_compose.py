"""The image and the compose file: what they promise, read off the files and one import."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.settings import complaints_of, every_settings, names_of, settings_of
from tests.neighbours import docker
from tests.promtool import promtool

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(name for name, it in SERVICES.items() if it["image"].startswith("mithril:"))
WATCHING = {"prometheus", "grafana"}
MIGRATIONS = sorted(name for name in OURS if name.endswith("-migrate"))
RUNNING = sorted(set(SERVICES) - set(MIGRATIONS))
OWNERS = {"mithril-scheduler": "mithril-api"}  # of the database that a service works on
STORED = sorted(name for name in OURS if "DATABASE_URL" in SERVICES[name]["environment"])
PAGES = sorted(set(OURS) - set(STORED) - {"emulators"})

PROMETHEUS = ROOT / "deploy" / "observability" / "prometheus" / "prometheus.yaml"
PUBLIC = {"MITHRIL_AUDIT_TRUSTED_KEYS", "MITHRIL_AUDIT_PUBLIC_KEYS"}  # and no secrets


def _filled_in(value: object) -> str:
    """A value as compose makes it where nothing is set."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(value))


def test_the_neighbours_are_those_the_tests_know() -> None:
    assert {SERVICES[name]["image"] for name in set(SERVICES) - set(OURS) - WATCHING} == {
        docker._POSTGRES_IMAGE,
        docker._KAFKA_IMAGE,
    }


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_can_do_more_than_it_must(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_nothing_and_are_nobody(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert "USER 10001:10001" in (ROOT / "Dockerfile").read_text().splitlines()


@pytest.mark.parametrize("name", RUNNING)
def test_what_keeps_running_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(set(OURS) & set(RUNNING)))
def test_a_service_is_asked_on_its_internal_port(name: str) -> None:
    service = SERVICES[name]
    settings = settings_of(name)
    assert settings is not None
    port = settings.model_fields["internal_port"].default

    assert f"http://127.0.0.1:{port}/readyz" in service["healthcheck"]["test"][-1]
    assert f":{port}" in {_filled_in(it)[-5:] for it in service["ports"]}


@pytest.mark.parametrize("name", PAGES)
def test_what_has_no_database_starts_after_mithril_api(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"mithril-api": {"condition": "service_healthy"}}


def test_outside_systems_are_emulated_only_where_that_is_asked_for() -> None:
    optional = {name for name, it in SERVICES.items() if "profiles" in it}
    assert optional == {"emulators", *WATCHING}
    assert SERVICES["emulators"]["profiles"] == ["emulators"]
    for name in set(SERVICES) - optional:
        assert not optional & set(SERVICES[name].get("depends_on", {}))


def test_prometheus_and_grafana_run_only_where_that_is_asked_for_and_read_our_files() -> (
    None
):
    for name in WATCHING:
        assert SERVICES[name]["profiles"] == ["observability"]
        mounted = [it for it in SERVICES[name]["volumes"] if it.startswith("./")]
        assert mounted
        for volume in mounted:
            source, _, mode = volume.split(":")
            assert (ROOT / source).is_dir()
            assert mode == "ro"


def test_prometheus_scrapes_each_service_under_its_name() -> None:
    done = promtool("check", "config", PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    scraped = {it["labels"]["service"]: it["targets"] for it in job["static_configs"]}
    wanted = {}
    for name in set(OURS) - set(MIGRATIONS) - {"emulators"}:
        settings = settings_of(name)
        assert settings is not None
        wanted[name] = [f"{name}:{settings.model_fields['internal_port'].default}"]
    assert job["job_name"] == "mithril"
    assert scraped == wanted


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    place = ROOT / "deploy" / "observability" / "grafana" / "provisioning"
    found = yaml.safe_load((place / "datasources" / "prometheus.yaml").read_text())
    boards = yaml.safe_load((place / "dashboards" / "mithril.yaml").read_text())
    assert found["datasources"][0]["url"] == "http://prometheus:9090"
    path = boards["providers"][0]["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    (mounted,) = (it for it in SERVICES["grafana"]["volumes"] if f":{path}:" in it)
    assert (ROOT / mounted.split(":")[0] / Path(home).name).exists()


def test_the_console_is_reached_through_gatekeeper_alone() -> None:
    ports = {_filled_in(port).rpartition(":")[2] for port in SERVICES["admin-web"]["ports"]}
    gate = SERVICES["gatekeeper"]["environment"]
    assert ports == {"8186"}
    assert gate["MITHRIL_GATEKEEPER_UPSTREAM_URL"] == "http://admin-web:8086"


@pytest.mark.parametrize("name", PAGES)
def test_services_call_one_another_at_ports_that_they_have(name: str) -> None:
    for value in SERVICES[name]["environment"].values():
        found = re.fullmatch(r"http://([a-z-]+):(\d+)", _filled_in(value))
        if found is None or found[1] == "localhost":  # that one is for a browser
            continue
        settings = settings_of(found[1])
        assert settings is not None
        ports = {settings.model_fields[it].default for it in ("port", "internal_port")}
        assert int(found[2]) in ports


@pytest.mark.parametrize("name", sorted(set(STORED) & set(RUNNING)))
def test_a_service_starts_after_the_migrations(name: str) -> None:
    needs = SERVICES[name]["depends_on"]
    migrations = f"{OWNERS.get(name, name)}-migrate"

    assert needs[migrations] == {"condition": "service_completed_successfully"}
    assert needs["postgres"] == {"condition": "service_healthy"}
    theirs, its_own = (SERVICES[it]["environment"] for it in (migrations, name))
    assert theirs["DATABASE_URL"] == its_own["DATABASE_URL"]


@pytest.mark.parametrize("name", MIGRATIONS)
def test_the_migrations_wait_for_a_database_that_answers(name: str) -> None:
    service = SERVICES[name]

    assert service["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert service["command"] == [name.removesuffix("-migrate"), "migrate"]
    assert service["restart"] == "no"


def test_every_service_runs() -> None:
    serving = {SERVICES[name]["command"][0] for name in set(OURS) & set(RUNNING)}

    assert {settings_of(name) for name in serving} == set(every_settings().values())


def test_each_database_is_opened_with_its_own_password() -> None:
    passwords = SERVICES["postgres"]["environment"]
    for ours in STORED:
        url = SERVICES[ours]["environment"]["DATABASE_URL"]
        name = url.rpartition("/")[2]
        password = passwords[f"{name.upper()}_DB_PASSWORD"]

        assert url == f"postgresql://{name}:{password}@postgres:5432/{name}"


def test_auditors_tokens_are_asked_for_at_the_internal_listener_of_mithril_api() -> None:
    asked = SERVICES["abac-log-consumer"]["environment"]["MITHRIL_API_URL"]
    settings = settings_of("mithril-api")
    assert settings is not None

    assert asked == f"http://mithril-api:{settings.model_fields['internal_port'].default}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_default_secret_says_that_it_is_for_development(name: str) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        for secret, default in re.findall(r"\$\{(\w+):-([^}]*)\}", str(value)):
            if secret in PUBLIC:
                assert default == ""
            elif re.search("PASSWORD|TOKEN|KEY|SECRET", secret):
                assert _as_text(default).startswith("dev-only-"), variable


def _as_text(value: str) -> str:
    """A value as a person reads it; keys that must be hexadecimal spell a text."""
    try:
        return bytes.fromhex(value).decode()
    except ValueError:
        return value


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_given_every_setting_it_must_have(name: str) -> None:
    settings = settings_of(SERVICES[name]["command"][0])
    assert settings is not None
    names = names_of(settings)
    given = {key: _filled_in(value) for key, value in SERVICES[name]["environment"].items()}

    assert {name for name, must in names.items() if must} <= set(given) <= set(names)
    assert complaints_of(settings, given) == []


def test_each_database_that_a_service_owns_is_made() -> None:
    script = (ROOT / "deploy" / "databases" / "databases.sh").read_text()
    (mounted,) = (it for it in SERVICES["postgres"]["volumes"] if it.startswith("./"))

    assert mounted.startswith("./deploy/databases/databases.sh:")
    (made,) = re.findall(r"^for name in (.*); do$", script, re.MULTILINE)
    assert set(made.split()) == {
        SERVICES[name]["environment"]["DATABASE_URL"].rpartition("/")[2] for name in STORED
    }


def test_only_what_is_installed_enters_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    copied = set(re.findall(r"^COPY ([^-].*) ", _dockerfile(), re.MULTILINE))
    sources = {name for line in copied for name in line.split()}
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == sources


def test_every_package_of_the_image_has_its_hash_checked() -> None:
    for line in _dockerfile().replace("\\\n", " ").splitlines():
        for install in re.findall(r"install [^&]*", line):
            assert "--require-hashes" in install or "--no-index" in install


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


_IMPORT_WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import importlib
import services.cli

for module in services.cli.SUBCOMMANDS.values():
    importlib.import_module(module)
"""


def test_the_command_starts_with_what_the_image_has() -> None:
    def locked(name: str) -> set[str]:
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))

    only_here = locked("dev") - locked("runtime")
    absent = {
        module
        for module, owners in packages_distributions().items()
        if {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} <= only_here
    }
    program = _IMPORT_WITHOUT.format(absent=absent)

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
