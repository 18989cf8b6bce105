"""Certificates as ingresses hand them on, and what they are known by."""

import base64
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.wire import certificates
from tests.certificates import Made, a_certificate

AUTHORITY = "CN=authority"


def made() -> Made:
    names = (
        x509.DNSName("Clinic.test"),
        x509.UniformResourceIdentifier("urn:clinic:1"),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("it@clinic.test"),
    )
    return a_certificate("CN=clinic,O=Clinic\\, Ltd,C=UA", by=AUTHORITY, names=names)


def test_every_form_is_read_as_the_same_certificate() -> None:
    der = base64.b64encode(made().der).decode()
    forms = (f":{der}:", made().escaped(), der, f"{der},{der}")

    read = [certificates.read(form) for form in forms]

    assert {item.der for item in read if item is not None} == {made().der}
    assert None not in read


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "::",
        ":AAAA:",
        "AAAA",
        "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----",
        "-----BEGIN%20PRIVATE%20KEY-----",
        "%ff",
        made().escaped()[:-300],
        ":" + base64.b64encode(made().der + b"more").decode() + ":",
        ":" + base64.b64encode(made().der[:-9]).decode() + ":",
        f"CN=clinic {made().escaped()}",
    ],
)
def test_what_is_none_is_not_read(text: str) -> None:
    assert certificates.read(text) is None


@settings(max_examples=60)
@given(st.text(max_size=50))
def test_any_text_is_a_certificate_or_none(text: str) -> None:
    for form in (text, f":{text}:", f"%{text}", f"-----BEGIN CERTIFICATE-----{text}"):
        assert certificates.read(form) is None


@pytest.mark.parametrize(
    ("kind", "wanted", "fits"),
    [
        ("subject_dn", "CN=clinic,O=Clinic\\, Ltd,C=UA", True),
        ("subject_dn", "cn=clinic", False),
        ("subject_dn", "CN=clinic", False),
        ("subject_dn", "C=UA,O=Clinic\\, Ltd,CN=clinic", False),
        ("subject_dn", "CN=clinic,O=Clinic, Ltd,C=UA", False),
        ("subject_dn", "", False),
        ("san_dns", "clinic.test", True),
        ("san_dns", "*.test", False),
        ("san_dns", "it@clinic.test", False),
        ("san_uri", "urn:clinic:1", True),
        ("san_uri", "urn:clinic:10", False),
        ("san_ip", "2001:db8:0::1", True),
        ("san_ip", "2001:db8::2", False),
        ("san_ip", "clinic.test", False),
        ("san_email", "it@clinic.test", True),
        ("san_email", "clinic.test", False),
    ],
)
def test_a_subject_is_compared_as_its_kind_is(kind: str, wanted: str, fits: bool) -> None:
    read = certificates.read(made().escaped())
    assert read is not None
    assert read.is_of(kind, wanted) is fits


def test_without_other_names_it_has_none() -> None:
    read = certificates.read(a_certificate().escaped())
    assert read is not None
    assert not read.is_of("san_dns", "clinic")


@pytest.mark.parametrize(
    ("kind", "text", "fits"),
    [
        ("subject_dn", "CN=clinic", True),
        ("subject_dn", "clinic", False),
        ("subject_dn", "", False),
        ("san_ip", "10.0.0.1", True),
        ("san_ip", "10.0.0", False),
        ("san_dns", "clinic.test", True),
        ("san_dns", "", False),
    ],
)
def test_a_subject_is_looked_at_when_it_is_registered(
    kind: str, text: str, fits: Any
) -> None:
    assert certificates.is_subject(kind, text) is fits
