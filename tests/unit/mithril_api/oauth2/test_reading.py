"""Whatever comes over the wire is read in one way or refused: never an exception."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mithril_api.domain.oauth2 import client_metadata, parameters, scopes
from services.mithril_api.domain.oauth2.client_authentication import presented
from services.mithril_api.domain.oauth2.client_metadata import Method
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.parameters import Parameters

NAMES = st.sampled_from(
    ["client_id", "client_secret", "client_assertion", "client_assertion_type", "scope"]
)
VALUES = st.text(max_size=40)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_parameters_or_a_fault(raw: bytes | str) -> None:
    assert isinstance(parameters.parse(raw), Parameters | Fault)


@given(st.dictionaries(NAMES, VALUES), st.lists(VALUES, max_size=2))
def test_any_client_presents_something_or_a_fault(
    form: dict[str, str], headers: list[str]
) -> None:
    presented(headers, Parameters({name: (value,) for name, value in form.items()}))


@given(st.binary(max_size=60))
def test_any_basic_header_presents_something_or_a_fault(raw: bytes) -> None:
    presented(["Basic " + base64.b64encode(raw).decode()], Parameters({}))


@given(st.text(max_size=60))
def test_a_scope_that_is_read_is_printable_ascii(text: str) -> None:
    found = scopes.read(text)
    if not isinstance(found, Fault):
        assert all(name.isascii() and name.isprintable() for name in found)
        assert len(found) == len(set(found))


SETTINGS = st.dictionaries(
    st.sampled_from(
        [
            "token_endpoint_auth_method",
            "allowed_grant_types",
            "refresh_token_policy",
            "resource",
            "jwks",
            "access_token_format",
            "id_token_signed_response_alg",
            "backchannel_logout_uri",
            "token_quota",
            "dpop_bound_access_tokens",
            "post_logout_redirect_uris",
        ]
    ),
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(VALUES),
)


@given(SETTINGS)
def test_any_settings_are_read_and_what_is_not_understood_permits_nothing(
    settings: dict[str, object],
) -> None:
    found = client_metadata.read(settings)
    complained = {item.entry for item in client_metadata.complaints(settings)}
    assert {f"$.settings.{name}" for name in found.unkept} <= complained
    method = settings.get("token_endpoint_auth_method")
    if method is not None and method not in tuple(Method):
        assert found.methods == frozenset()


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        (b"a=1", "a", "1"),
        (b"a=%D1%94+b", "a", "є b"),
        (b"a=", "a", None),
        (b"resource=x&resource=y", "resource", "x"),
        (b"", "a", None),
    ],
)
def test_a_form_is_read_as_forms_are(body: bytes, name: str, value: str | None) -> None:
    found = parameters.parse(body)

    assert isinstance(found, Parameters)
    assert found.get(name) == value
