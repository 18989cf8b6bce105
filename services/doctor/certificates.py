"""Certificates of whom the set calls by TLS, and how long they last."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from pydantic_settings import BaseSettings

from services.doctor.findings import Finding, Level
from shared.runtime.clock import Clock
from shared.runtime.settings import KafkaSettings

_SOON = timedelta(days=21)
_WITHIN = 8.0


async def examine(settings: Mapping[str, BaseSettings], clock: Clock) -> list[Finding]:
    """Look at each address of `https://` among the settings, and each file of authorities."""
    places = sorted({place for made in settings.values() for place in _places_of(made)})
    files = sorted(
        {
            made.kafka_ssl_cafile
            for made in settings.values()
            if isinstance(made, KafkaSettings) and made.kafka_ssl_cafile
        }
    )
    now = clock.now()
    shown = await asyncio.gather(*(_shown_by(host, port, now) for host, port in places))
    return [*shown, *(_in_file(name, now) for name in files)]


def _places_of(settings: BaseSettings) -> Iterator[tuple[str, int]]:
    """Of what was set: the address in a default may be one that nobody calls."""
    for value in settings.model_dump(exclude_unset=True).values():
        if isinstance(value, str) and value.startswith("https://"):
            parts = urlsplit(value)
            if parts.hostname:
                yield parts.hostname, parts.port or 443


async def _shown_by(host: str, port: int, now: datetime) -> Finding:
    """The certificate that a server shows, checked as our clients check it."""
    name = f"certificate of {host}:{port}"
    try:
        async with asyncio.timeout(_WITHIN):
            _, writer = await asyncio.open_connection(
                host, port, ssl=ssl.create_default_context(), server_hostname=host
            )
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
    except (OSError, TimeoutError) as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return Finding(subject=name, check="certificate", level=Level.FAILURE, told=told)
    return judge(name, x509.load_der_x509_certificate(shown), now)


def _in_file(file: str, now: datetime) -> Finding:
    try:
        found = x509.load_pem_x509_certificates(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return Finding(subject=file, check="certificate", level=Level.FAILURE, told=told)
    return judge(file, min(found, key=lambda it: it.not_valid_after_utc), now)


def judge(name: str, certificate: x509.Certificate, now: datetime) -> Finding:
    """How long it lasts."""
    end = certificate.not_valid_after_utc
    level = (
        Level.FAILURE if end <= now else Level.WARNING if end - now < _SOON else Level.OK
    )
    told = f"until {end:%Y-%m-%d}"
    return Finding(subject=name, check="certificate", level=level, told=told)
