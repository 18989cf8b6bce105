"""What `mithril up` prints when all is ready: one table of addresses, and what to paste."""

import json
from collections.abc import Mapping


def render(
    addresses: Mapping[str, Mapping[str, str]],
    *,
    emulators: Mapping[str, str],
    auth_web: str,
    database_urls: Mapping[str, str],
    kafka_bootstrap: str,
    demo: Mapping[str, str],
) -> str:
    """The text."""
    rows = [("service", "public", "internal")]
    rows += [(name, at["public"], at["internal"]) for name, at in addresses.items()]
    rows.append(("emulators", emulators["public"], emulators["internal"]))
    rows.append(("mail server", f"smtp://{emulators['smtp']}", ""))
    rows += [(f"database {name}", url, "") for name, url in database_urls.items()]
    rows.append(("kafka", kafka_bootstrap, ""))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [
        f"{name:<{widths[0]}}  {first:<{widths[1]}}  {second}".rstrip()
        for name, first, second in rows
    ]
    lines.insert(1, "-" * max(map(len, lines)))
    body = json.dumps(
        {
            "token": {
                "grant_type": "refresh_token",
                "client_id": demo["client_id"],
                "client_secret": demo["client_secret"],
                "refresh_token": demo["refresh_token"],
            }
        }
    )
    api, abac = addresses["mithril-api"], addresses["abac-api"]
    log = addresses["abac-log-consumer"]["public"]
    service = f"-H 'Authorization: Bearer {demo['service_token']}'"
    auditor = f"-H 'Authorization: Bearer {demo['auditor_token']}'"
    json_type = "-H 'Content-Type: application/json'"
    return "\n".join(
        [
            "",
            *lines,
            "",
            *_pages(addresses, emulators, auth_web),
            "",
            *_people(demo),
            "",
            *_application(api["public"], demo),
            "",
            "Refresh a token (answers 201):",
            "",
            f"  curl -i {json_type} {api['public']}/oauth/tokens \\",
            f"    -d '{body}'",
            "",
            "Verify the access token it answers with (`data.value`):",
            "",
            f"  curl -i {service} \\",
            f"    {api['internal']}/admin/tokens/VALUE/verify",
            "",
            "May the doctor read the episodes of their patient? Allowed, by rule_1:",
            "",
            f"  curl -s {service} {json_type} {abac['public']}/api/authorize \\",
            f"    -d '{_question(demo, demo['patient_id'])}'",
            "",
            "And those of somebody else? Refused:",
            "",
            f"  curl -s {service} {json_type} {abac['public']}/api/authorize \\",
            f"    -d '{_question(demo, demo['client_id'])}'",
            "",
            "What an auditor sees of both:",
            "",
            f"  curl -s {auditor} {log}/api/abac_logs",
            "",
            "Ctrl-C stops everything; what was done is still there at the next start.",
            "",
        ]
    )


def _pages(
    addresses: Mapping[str, Mapping[str, str]], emulators: Mapping[str, str], auth_web: str
) -> list[str]:
    found = [
        ("a doctor signs in", emulators["public"] + "/client"),
        ("codes and mails", emulators["public"] + "/outbox"),
    ]
    if "gatekeeper" in addresses:
        found.insert(1, ("the console", addresses["gatekeeper"]["public"]))
    if "auth-web" in addresses:
        found.append(("my approvals", auth_web + "/approvals"))
    return ["Pages:", "", *(f"  {name:<18}  {url}" for name, url in found)]


def _people(demo: Mapping[str, str]) -> list[str]:
    phone = demo["two_factor_phone"]
    who = [
        ("user", "doctor"),
        ("two_factor", f"doctor, with a code sent to {phone}"),
        ("admin", "administrator: the console"),
        ("auditor", "auditor: the console"),
    ]
    width = max(len(demo[f"{name}_email"]) for name, _ in who)
    return [
        "Who can sign in:",
        "",
        *(
            f"  {demo[f'{name}_email']:<{width}}  {demo[f'{name}_password']}  {what}"
            for name, what in who
        ),
    ]


def _application(api: str, demo: Mapping[str, str]) -> list[str]:
    rows = {
        "issuer": api,
        "discovery": f"{api}/.well-known/openid-configuration",
        "client_id": demo["client_id"],
        "client_secret": demo["app_secret"],
        "redirect_uri": demo["app_redirect_uri"],
        "scope": demo["app_scope"],
    }
    return [
        "What an OAuth library needs, to sign a doctor in to an application of yours:",
        "",
        *(f"  {name:<13}  {value}" for name, value in rows.items()),
    ]


def _question(demo: Mapping[str, str], patient_id: str) -> str:
    return json.dumps(
        {
            "consumer": {"user_id": demo["user_id"], "client_id": demo["client_id"]},
            "resource": {"type": "episode", "action": "read"},
            "contexts": [{"type": "patient", "id": patient_id}],
        }
    )
