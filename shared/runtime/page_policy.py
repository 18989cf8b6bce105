"""The Content-Security-Policy of a page: nothing but what is named."""

from collections.abc import Sequence


def policy(
    nonce: str,
    *,
    connect_self: bool = False,
    leads_to: Sequence[str] = (),
    scripts: Sequence[str] = (),
    frames: Sequence[str] = (),
) -> str:
    """The header's value. `scripts` and `frames` are sources outside ours."""
    connect = "'self'" if connect_self else "'none'"
    script = " ".join([f"'nonce-{nonce}'", *scripts])
    framed = f"frame-src {' '.join(frames)}; " if frames else ""
    forms = " ".join(["'self'", *leads_to])
    return (
        f"default-src 'none'; script-src {script}; style-src 'nonce-{nonce}'; {framed}"
        f"img-src 'self'; font-src 'self'; connect-src {connect}; form-action {forms}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
