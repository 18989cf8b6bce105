"""Demo data, made as any operator would make it: by the HTTP API of the running services.

Made once a state directory; what is shown only once (secrets, values) is kept there. Every
step may be repeated, so a start that was cut short is simply done again, and so is all of it
when what was kept is that of a release which knew less.
"""

from datetime import timedelta
from typing import Any

import aiohttp

from services.up.demo_api import DemoApi, demo_id
from services.up.state import StateDirectory
from shared.runtime.clock import SystemClock

CLIENTS = ("auth-web", "clinic", "mis", "second-mis", "console", "audit")
_FILE = "demo.json"
_REDIRECT = "https://clinic.demo.test/callback"
_DEVELOPERS = (
    "http://localhost:3000/callback"  # where applications under development listen
)
_FRESH_FOR = timedelta(days=2)
_PHONE = "+380000000001"
SIGNER_DRFO = "1234567899"  # by whom the emulated signature service says all is signed
_EMAILS = {
    "user": "doctor@demo.mithril.test",
    "two_factor": "doctor-with-sms@demo.mithril.test",
    "admin": "admin@demo.mithril.test",
    "auditor": "auditor@demo.mithril.test",
}
_NAMES = {
    *("client_id", "client_secret", "mis_api_key", "refresh_token", "user_id"),
    *("app_secret", "app_redirect_uri", "app_scope"),
    *("admin_token", "auditor_token", "patient_id", "service_token"),
    *(f"{who}_{what}" for who in _EMAILS for what in ("email", "password")),
    "two_factor_phone",
}


async def prepare(
    state: StateDirectory, addresses: dict[str, dict[str, str]], *, service_token: str
) -> dict[str, str]:
    """What `endpoints.json` says under `demo`; made now unless it is there and still good."""
    kept = state.read(_FILE)
    now = SystemClock().now().timestamp()
    if kept is not None and kept["good_until"] > now and kept["demo"].keys() >= _NAMES:
        return dict(kept["demo"])
    async with _session(service_token) as http:
        api = await _api(http, addresses)
        made = await _make(api, {} if kept is None else kept["demo"])
        await _tell_facts(http, addresses["abac-api"]["internal"], made["user_id"])
    made["patient_id"] = demo_id("patient")
    made["service_token"] = service_token
    good_until = now + (timedelta(days=14) - _FRESH_FOR).total_seconds()
    state.write(_FILE, {"demo": made, "good_until": good_until})
    return made


async def open_doors(
    addresses: dict[str, dict[str, str]],
    *,
    gatekeeper: str,
    auth_web: str,
    emulators: dict[str, str],
    service_token: str,
) -> dict[str, str]:
    """Where sign-ins end: the console's secret, and the sample client is told its own.

    Done at each start, since the addresses are those of this start.
    """
    async with _session(service_token) as http:
        api = await _api(http, addresses)
        callback = emulators["public"] + "/client/callback"
        sample = {
            "client_id": demo_id("clinic"),
            "client_secret": await api.connection("clinic", "second-mis", callback),
            "redirect_uri": callback,
            "scope": " ".join(await _doctors_scope(api)),
            "sign_in_url": auth_web + "/sign-in",
            "token_url": api.public + "/oauth/tokens",
        }
        await api.call("PUT", emulators["internal"] + "/client", sample)
        person = f"{emulators['public']}/mpi/persons/{demo_id('person')}"
        await api.call("PUT", person, {"status": "active", "tax_id": SIGNER_DRFO})
        redirect = gatekeeper + "/auth/redirect"
        return {"console": await api.connection("console", "console", redirect)}


def _session(service_token: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {service_token}"})


async def _api(
    http: aiohttp.ClientSession, addresses: dict[str, dict[str, str]]
) -> DemoApi:
    at = addresses["mithril-api"]
    api = DemoApi(http, at["public"], at["internal"])
    await api.learn_names()
    return api


async def _make(api: DemoApi, before: dict[str, Any]) -> dict[str, str]:
    """Everything; passwords of an earlier start are kept."""
    person = {"tax_id": SIGNER_DRFO, "person_id": demo_id("person")}
    people = {
        who: await api.person(
            email,
            before.get(f"{who}_password"),
            **(person if who == "two_factor" else {}),
        )
        for who, email in _EMAILS.items()
    }
    doctor, second = people["user"]["id"], people["two_factor"]["id"]
    await _clients(api, owner=people["admin"]["id"])
    await api.phone(second, _PHONE)
    await api.global_role(people["admin"]["id"], "MITHRIL ADMIN")
    await api.global_role(people["auditor"]["id"], "AUDIT")
    for user_id in (doctor, second):
        await api.role(user_id, "DOCTOR", "clinic")
    secret = await api.connection("clinic", "mis", _REDIRECT)
    administers = await api.scope_of_role("MITHRIL ADMIN")
    audits = await api.scope_of_role("AUDIT")
    made = {
        "client_id": demo_id("clinic"),
        "client_secret": secret,
        "mis_api_key": await api.connection("mis", "mis", _REDIRECT),
        "refresh_token": await _refresh_token(api, doctor, secret),
        "app_secret": await api.connection("clinic", "clinic", _DEVELOPERS),
        "app_redirect_uri": _DEVELOPERS,
        "app_scope": " ".join(await _doctors_scope(api)),
        "admin_token": await api.token(people["admin"]["id"], "console", administers),
        "auditor_token": await api.token(people["auditor"]["id"], "audit", audits),
        "user_id": doctor,
        "two_factor_phone": _PHONE,
    }
    for who, each in people.items():
        made[f"{who}_email"] = each["email"]
        made[f"{who}_password"] = each["password"]
    return made


async def _clients(api: DemoApi, *, owner: str) -> None:
    # An auditor signs in to the console too: what they see there, their role says.
    await api.widen_type("MITHRIL ADMIN", await api.scope_of_role("AUDIT"))
    grants = ["password", "change_password", "digital_signature"]
    await api.client("auth-web", "Auth_FE", owner, grants)
    await api.client("clinic", "MSP", owner, ["client_credentials"])
    await api.client("mis", "MIS", owner, broker_scope=True)
    await api.client("second-mis", "MIS", owner, broker_scope=True)
    await api.client("console", "MITHRIL ADMIN", owner)
    await api.client("audit", "AUDIT", owner)


async def _tell_facts(http: aiohttp.ClientSession, abac: str, doctor_id: str) -> None:
    """The doctor works in the clinic, and one patient chose them: rule 1 allows the rest."""
    now = SystemClock().now().isoformat()
    facts: dict[str, dict[str, object]] = {
        "employee": {
            "user_id": doctor_id,
            "legal_entity_id": demo_id("clinic"),
            "is_active": True,
        },
        "declaration": {
            "patient_id": demo_id("patient"),
            "employee_id": demo_id("employee"),
            "legal_entity_id": demo_id("clinic"),
            "active_from": now,
        },
    }
    for kind, fact in facts.items():
        url = f"{abac}/facts/{kind}/{demo_id(kind)}"
        async with http.put(url, json=fact) as response:
            if response.status >= 300:
                raise RuntimeError(f"demo data: {kind}: {await response.text()}")


async def _doctors_scope(api: DemoApi) -> list[str]:
    allowed = set(await api.scope_of_type("MSP"))
    return [item for item in await api.scope_of_role("DOCTOR") if item in allowed]


async def _refresh_token(api: DemoApi, doctor_id: str, client_secret: str) -> str:
    """Consent and exchange the code, as a sign-in ends.

    The session is given, not signed in for: whoever plays with the set may have changed the
    password, or have set up a second factor.
    """
    session = await api.token(doctor_id, "auth-web", ["app:authorize"])
    scope = " ".join(await _doctors_scope(api))
    consent = {
        "client_id": demo_id("clinic"),
        "redirect_uri": _REDIRECT,
        "scope": scope,
    }
    code = await api.call(
        "POST",
        api.public + "/oauth/apps/authorize",
        {"app": consent},
        Authorization=f"Bearer {session}",
    )
    exchange = {
        "grant_type": "authorization_code",
        "client_id": demo_id("clinic"),
        "client_secret": client_secret,
        "code": code["data"]["value"],
        "redirect_uri": _REDIRECT,
    }
    tokens = await api.call("POST", api.public + "/oauth/tokens", {"token": exchange})
    return str(tokens["data"]["details"]["refresh_token"])
