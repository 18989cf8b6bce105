"""What `mithril up` prints when all is ready: one table of addresses, and a `curl` to paste."""

import json
from collections.abc import Mapping


def render(
    addresses: Mapping[str, Mapping[str, str]],
    database_urls: Mapping[str, str],
    kafka_bootstrap: str,
    demo: Mapping[str, str],
) -> str:
    """The text."""
    rows = [("service", "public", "internal")]
    rows += [(name, at["public"], at["internal"]) for name, at in addresses.items()]
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
    api = addresses["mithril-api"]
    return "\n".join(
        [
            "",
            *lines,
            "",
            "Refresh a token (answers 201):",
            "",
            f"  curl -i -H 'Content-Type: application/json' {api['public']}/oauth/tokens \\",
            f"    -d '{body}'",
            "",
            "Verify the access token it answers with (`data.value`):",
            "",
            f"  curl -i -H 'Authorization: Bearer {demo['service_token']}' \\",
            f"    {api['internal']}/admin/tokens/VALUE/verify",
            "",
            "Ctrl-C stops everything; what was done is still there at the next start.",
            "",
        ]
    )
