"""Tokens and sign-ins, and the gatekeeper which asks about them."""

from deploy.observability.panels import (
    COUNT,
    RATE,
    SECONDS,
    SHARE,
    Board,
    Panel,
    rate_of,
    slowest,
)

_HTTP = "mithril_http_requests_total"
_TOOK = "mithril_http_request_duration_seconds"
_TOKENS = 'listener="public", route=~"/oauth/tokens|/oauth2/token"'
_VERIFY = 'listener="internal", route=~"/admin/tokens/.*verify"'
_GOOD = "Nothing is wrong."

TOKENS = Board(
    uid="mithril-tokens",
    title="Mithril: tokens and sign-ins",
    description="Issuing, refreshing and verifying tokens; who is turned away and why.",
    panels=(
        Panel(
            title="How many tokens are asked for?",
            unit=RATE,
            description="By grant type.",
            query=rate_of("mithril_grants_total", "grant_type"),
            legend="{{grant_type}}",
        ),
        Panel(
            title="What comes of them?",
            unit=RATE,
            description="`issued`, or the reason of the refusal.",
            query=rate_of("mithril_grants_total", "outcome"),
            legend="{{outcome}}",
        ),
        Panel(
            title="How long does a token take?",
            unit=SECONDS,
            description="99th percentile of the token endpoints. Above 0.25 s an alert fires.",
            query=slowest(_TOOK, "route", where=_TOKENS),
            legend="{{route}}",
        ),
        Panel(
            title="What share of token requests fails?",
            unit=SHARE,
            description="5xx among all. At 1.44 % an alert fires.",
            query=(
                f'sum(rate({_HTTP}{{{_TOKENS}, status=~"5.."}}[$__rate_interval]))'
                f" / sum(rate({_HTTP}{{{_TOKENS}}}[$__rate_interval]))"
            ),
            legend="failed",
            empty=_GOOD,
        ),
        Panel(
            title="What do gateways learn of the tokens they show?",
            unit=RATE,
            description="Verifications by outcome.",
            query=rate_of("mithril_verifications_total", "outcome"),
            legend="{{outcome}}",
        ),
        Panel(
            title="What do resource servers learn by introspection?",
            unit=RATE,
            description="`active` or `inactive` (RFC 7662).",
            query=rate_of("mithril_introspections_total", "outcome"),
            legend="{{outcome}}",
            empty="Nobody introspects.",
        ),
        Panel(
            title="Are new passwords held against the list of breached ones?",
            unit=RATE,
            description="Passwords that were set without, since the list did not answer.",
            query=rate_of("mithril_breach_list_unavailable_total", "service"),
            legend="{{service}}",
        ),
        Panel(
            title="How long does verifying take?",
            unit=SECONDS,
            description="99th percentile. Every guarded request waits for it, unless cached.",
            query=slowest(_TOOK, "route", where=_VERIFY),
            legend="{{route}}",
        ),
        Panel(
            title="How many requests does one statement answer?",
            unit=COUNT,
            description="Median batch. Near MITHRIL_BATCH_MOST: more comes than is answered.",
            query=slowest("mithril_batch_size", "operation", share=0.5),
            legend="{{operation}}",
        ),
        Panel(
            title="How long do transactions wait for a connection?",
            unit=SECONDS,
            description="99th percentile. After five seconds the answer is 503.",
            query=slowest("mithril_pool_wait_seconds", "service"),
            legend="{{service}}",
        ),
        Panel(
            title="Whom do limits turn away?",
            unit=RATE,
            description="Answers of 429 by purpose and by whose limit it is.",
            query=rate_of("mithril_limited_total", "purpose, holder"),
            legend="{{purpose}} ({{holder}})",
            empty=_GOOD,
        ),
        Panel(
            title="What comes of second factors?",
            unit=RATE,
            description="`accepted`, or the reason. Many `otp_invalid`: codes are guessed.",
            query=rate_of("mithril_second_factors_total", "kind, outcome"),
            legend="{{kind}}: {{outcome}}",
            empty="Nobody signs in with a second factor.",
        ),
        Panel(
            title="Where do people get stuck when they sign in?",
            unit=RATE,
            description="Forms of auth-web by outcome.",
            query=rate_of("mithril_sign_in_steps_total", "form, outcome"),
            legend="{{form}}: {{outcome}}",
            empty="Nobody signs in at auth-web.",
        ),
        Panel(
            title="How many passwords wait to be checked?",
            unit=COUNT,
            description="At MITHRIL_PASSWORD_QUEUE the next is answered 503.",
            query="max by (service) (mithril_passwords_waiting)",
            legend="{{service}}",
        ),
        Panel(
            title="Do clients hear of sign-outs?",
            unit=RATE,
            description="Logout tokens by what came of them; what failed is tried again.",
            query=rate_of("mithril_backchannel_logouts_total", "outcome"),
            legend="{{outcome}}",
            empty="No client was to be told of one.",
        ),
        Panel(
            title="How long do the signing keys suffice?",
            unit=SECONDS,
            description="Until each algorithm's newest key should have a successor.",
            query="max by (alg) (mithril_signing_key_due_timestamp_seconds) - time()",
            legend="{{alg}}",
            empty="There is no signing key.",
        ),
        Panel(
            title="Do SMS and mails leave?",
            unit=RATE,
            description="What became of each.",
            query=(
                f"{rate_of('mithril_messages_total', 'outcome')}"
                f" or {rate_of('mithril_mails_total', 'kind, outcome')}"
            ),
            legend="{{kind}} {{outcome}}",
            empty="None was to be sent.",
        ),
    ),
)

GATEKEEPER = Board(
    uid="mithril-gatekeeper",
    title="Mithril: gatekeeper",
    description="The edge: who is let through, and how much of it is known by heart.",
    panels=(
        Panel(
            title="What comes of checks?",
            unit=RATE,
            description="`allowed`, or the reason of the refusal.",
            query=rate_of("mithril_gatekeeper_checks_total", "outcome"),
            legend="{{outcome}}",
            empty="No proxy asked.",
        ),
        Panel(
            title="How long does a check take?",
            unit=SECONDS,
            description="99th percentile of the forward-auth route.",
            query=slowest(_TOOK, "service", where='route=~"/verify.*"'),
            legend="{{service}}",
            empty="No proxy asked.",
        ),
        Panel(
            title="How often is the cache right at hand?",
            unit=RATE,
            description="`hit`, `miss`, or `unused`: revocations are not heard.",
            query=rate_of("mithril_gatekeeper_cache_lookups_total", "result"),
            legend="{{result}}",
        ),
        Panel(
            title="Are revocations heard?",
            unit=COUNT,
            description="1: yes. 0: the cache is not used, nothing else is wrong.",
            query="min by (service) (mithril_gatekeeper_revocations_current)",
            legend="{{service}}",
        ),
        Panel(
            title="What do events drop?",
            unit=RATE,
            description="Many `everything`: roles or client types change, or an event is unknown.",
            query=rate_of("mithril_gatekeeper_events_total", "drop"),
            legend="{{drop}}",
            empty="No event came.",
        ),
        Panel(
            title="How many tokens are kept?",
            unit=COUNT,
            description="At most MITHRIL_GATEKEEPER_CACHE_ENTRIES.",
            query="max by (service) (mithril_gatekeeper_cache_entries)",
            legend="{{service}}",
        ),
        Panel(
            title="How often is hearing interrupted, and a verdict overtaken?",
            unit=RATE,
            description="Interruptions of Kafka; verdicts not kept since an event overtook them.",
            query=(
                f"{rate_of('mithril_gatekeeper_revocations_interruptions_total', 'service')}"
                f" + {rate_of('mithril_gatekeeper_cache_outdated_total', 'service')}"
            ),
            legend="{{service}}",
        ),
        Panel(
            title="How many tokens does one call ask about?",
            unit=COUNT,
            description="Median batch.",
            query=slowest("mithril_gatekeeper_verify_batch_size", "service", share=0.5),
            legend="{{service}}",
        ),
        Panel(
            title="What happens to sessions of the web app?",
            unit=RATE,
            description="Many `refused`, or `kept` without a refresh: look at mithril-api.",
            query=rate_of("mithril_gatekeeper_sessions_total", "event"),
            legend="{{event}}",
            empty="Nobody signs in.",
        ),
    ),
)
