"""Every route of gatekeeper on one page."""

from aiohttp import web

from services.gatekeeper.handlers import proxy, sign_in, verify


def add_forward_auth(app: web.Application) -> None:
    """What a proxy calls: `/verify`, or for Envoy `/verify/<the original path>`."""
    app.router.add_route("*", "/verify", verify.any_verify)
    app.router.add_route("*", "/verify/{original:.*}", verify.any_verify)


def add_back_end(app: web.Application) -> None:
    """What a browser calls: signing in and out, and everything else is the web app's."""
    app.router.add_get("/auth/sign-in", sign_in.get_sign_in)
    app.router.add_get("/auth/redirect", sign_in.get_redirect)
    app.router.add_get("/auth/logout", sign_in.get_logout)
    app.router.add_post("/auth/logout", sign_in.post_logout)
    app.router.add_route("*", "/{path:.*}", proxy.any_page)
