"""Every page of auth-web on one page."""

from aiohttp import web

from services.auth_web.handlers import (
    account,
    codes,
    consent,
    devices,
    passkeys,
    passwords,
    setting_up,
    sign_in,
    signatures,
)


def add_public(app: web.Application) -> None:
    """What browsers open."""
    get, post = app.router.add_get, app.router.add_post
    get("/", account.get_account)
    get("/sign-in", sign_in.get_sign_in)
    post("/sign-in", sign_in.post_sign_in)
    get("/sign-in/code", codes.get_code)
    post("/sign-in/code", codes.post_code)
    post("/sign-in/code/resend", codes.post_resend)
    get("/sign-in/factor", codes.get_factor)
    post("/sign-in/factor", codes.post_factor)
    get("/sign-in/passkey", passkeys.get_passkey)
    post("/sign-in/passkey", passkeys.post_passkey)
    get("/sign-in/set-up", setting_up.get_set_up)
    post("/sign-in/set-up", setting_up.post_set_up)
    get("/sign-in/set-up/confirm", setting_up.get_confirm)
    post("/sign-in/set-up/confirm", setting_up.post_confirm)
    get("/sign-in/digital-signature", signatures.get_signature)
    post("/sign-in/digital-signature", signatures.post_signature)
    get("/consent", consent.get_consent)
    post("/consent", consent.post_consent)
    get("/device", devices.get_device)
    post("/device", devices.post_device)
    get("/device/confirm", devices.get_confirm)
    post("/device/confirm", devices.post_confirm)
    get("/device/{answer:allowed|denied}", devices.get_done)
    get("/update-password", sign_in.get_update_password)
    post("/update-password", sign_in.post_update_password)
    get("/update-password/new", passwords.get_new)
    post("/update-password/new", passwords.post_new)
    get("/update-password/done", passwords.get_done)
    get("/reset", passwords.get_reset)
    post("/reset", passwords.post_reset)
    get("/reset/sent", passwords.get_reset_sent)
    get("/reset/{value}", passwords.get_reset_password)
    post("/reset/{value}", passwords.post_reset_password)
    get("/approvals", account.get_approvals)
    get("/approvals/{id}/revoke", account.get_revoke)
    post("/approvals/{id}/revoke", account.post_revoke)
    get("/factors", account.get_factors)
    get("/factors/{id}/remove", account.get_remove)
    post("/factors/{id}/remove", account.post_remove)
    get("/sign-out", account.get_sign_out)
    post("/sign-out", account.post_sign_out)
