"""Authlib's client for Flask, as its manual says: a web application that signs its users in."""

import pytest
from authlib.integrations.flask_client import OAuth
from flask import Flask, session, url_for
from flask.typing import ResponseReturnValue

from tests.clients.standing import Registered, Standing

BASE = "https://clinic.test"
HOME = f"{BASE}/bye"


def application(server: Standing, client: Registered) -> Flask:
    """What a developer of the clinic writes."""
    app = Flask("clinic")
    app.config.update(SECRET_KEY="of the clinic", PREFERRED_URL_SCHEME="https")
    oauth = OAuth(app)
    mithril = oauth.register(  # type: ignore[no-untyped-call]  # not in its stubs
        "mithril",
        client_id=client.client_id,
        client_secret=client.client_secret,
        server_metadata_url=f"{server.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid email episode:read",
            "code_challenge_method": "S256",
        },
    )

    @app.get("/login")
    def login() -> ResponseReturnValue:
        redirect: ResponseReturnValue = mithril.authorize_redirect(
            url_for("callback", _external=True)
        )
        return redirect

    @app.get("/callback")
    def callback() -> ResponseReturnValue:
        token = mithril.authorize_access_token()
        session["id_token"] = token["id_token"]
        told = mithril.userinfo(token=token)
        return {"id_token": token["userinfo"], "userinfo": told}

    @app.get("/logout")
    def logout() -> ResponseReturnValue:
        redirect: ResponseReturnValue = mithril.logout_redirect(
            post_logout_redirect_uri=HOME, id_token_hint=session.pop("id_token")
        )
        return redirect

    @app.get("/bye")
    def bye() -> ResponseReturnValue:
        mithril.validate_logout_response()
        return {"signed": "out"}

    return app


@pytest.mark.filterwarnings(
    "ignore:EdDSA is deprecated"
)  # in favour of another name for it
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_web_application_knows_who_signed_in_and_signs_them_out(
    server: Standing, alg: str
) -> None:
    clinic = server.register(
        id_token_signed_response_alg=alg,
        post_logout_redirect_uris=[HOME],
    )
    with application(server, clinic).test_client() as browser:
        to_sign_in = browser.get("/login", base_url=BASE)
        known = browser.get(server.visit(to_sign_in.location), base_url=BASE)
        to_sign_out = browser.get("/logout", base_url=BASE)
        out = browser.get(server.visit(to_sign_out.location), base_url=BASE)

    assert known.json is not None
    assert known.json["id_token"]["sub"] == clinic.user_id
    assert known.json["id_token"]["aud"] == clinic.client_id
    assert known.json["userinfo"]["email"] == clinic.email
    assert out.json == {"signed": "out"}
