"""Sign-in by digital signature: only where enabled, over a nonce that is good once."""

import base64
import html
import re
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest

from tests.fakes import SteppingClock
from tests.integration.auth_web.walking import tokens
from tests.pages import Browser, Page
from tests.signing_in import Set, started

TAX_ID = "1234567899"


@pytest.fixture
async def signing(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Set]:
    async with started(mithril_database, clock, signature_sign_in=True) as made:
        await made.be_a_person(TAX_ID)
        yield made


@pytest.fixture
def signer(signing: Set, http: aiohttp.ClientSession) -> Browser:
    return Browser(http, signing.url)


def _shown(page: Page) -> bytes:
    """What the page asks to sign."""
    found = re.search(r'<textarea id="content"[^>]*>(.*?)</textarea>', page.body, re.DOTALL)
    assert found is not None
    return html.unescape(found[1]).encode()


async def test_a_user_signs_what_is_shown_and_goes_on_to_the_client(
    signer: Browser, signing: Set
) -> None:
    start = await signer.get(f"/sign-in?{signing.query()}")
    (link,) = (link for link in start.links if "digital-signature" in link)
    page = await signer.get(link)
    assert set(orjson.loads(_shown(page))) == {"jwt"}
    signed = base64.encodebytes(_shown(page)).decode()  # line breaks are no matter
    answer = await signer.submit(page, {"signed_content": signed})
    data = await tokens(signing, signer, answer.location)
    assert data["name"] == "access_token"


async def test_a_signed_file_may_be_uploaded(signer: Browser, signing: Set) -> None:
    page = await signer.get(f"/sign-in/digital-signature?{signing.query()}")
    form = aiohttp.FormData()
    form.add_field("csrf", page.form().values["csrf"])
    form.add_field("signed_content", "")
    signed = base64.b64encode(_shown(page))
    form.add_field("file", signed, filename="signed.p7s", content_type="text/plain")
    cookie = "; ".join(f"{name}={value}" for name, value in signer.cookies.items())
    async with signer.session.post(
        page.url,
        data=form,
        headers={"Cookie": cookie, "Sec-Fetch-Site": "same-origin"},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 303


async def test_what_is_no_signature_of_the_shown_data_is_explained_and_may_be_repeated(
    signer: Browser, signing: Set
) -> None:
    page = await signer.get(f"/sign-in/digital-signature?{signing.query()}")
    for content, words in (
        ("", "Paste the signed data or choose a file."),
        ("це не base64", "Paste the signed data or choose a file."),
        (base64.b64encode(b'{"jwt": "x"}').decode(), "not what the page shows"),
        (base64.b64encode(b"{}").decode(), "not what the page shows"),
    ):
        page = await signer.submit(page, {"signed_content": content})
        assert page.status == 422
        assert words in page.text
    answer = await signer.submit(
        page, {"signed_content": base64.b64encode(_shown(page)).decode()}
    )
    assert answer.status == 303


async def test_a_signature_works_once(signer: Browser, signing: Set) -> None:
    page = await signer.get(f"/sign-in/digital-signature?{signing.query()}")
    signed = base64.b64encode(_shown(page)).decode()
    await signer.submit(page, {"signed_content": signed})
    other = Browser(signer.session, signing.url)
    page = await other.get(f"/sign-in/digital-signature?{signing.query()}")
    again = await other.submit(page, {"signed_content": signed})
    assert again.status == 422


async def test_where_it_is_not_enabled_there_is_no_such_page(
    browser: Browser, running: Set
) -> None:
    start = await browser.get(f"/sign-in?{running.query()}")
    assert not any("digital-signature" in link for link in start.links)
    page = await browser.get(f"/sign-in/digital-signature?{running.query()}")
    assert page.status == 404
