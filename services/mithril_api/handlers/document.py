"""The OpenAPI document of mithril-api, made of its own routes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from shared.wire.openapi import Outline, Route, document
from shared.wire.operations import described

_HERE = {"url": "/", "description": "where this document is"}
_BEARER = {"type": "http", "scheme": "bearer"}

OUTLINE = Outline(
    info={
        "title": "mithril-api",
        "version": "1",
        "description": "Access to the eHealth system: tokens by the eHealth contract "
        "(`/oauth`, `/auth`, `/api`) and by the standards (`/oauth2`), and their "
        "administration (`/admin`).\n\n`x-listeners` says where an operation is: the public "
        "listener is for everybody, the internal one for the platform and its operators. "
        "An empty text in a JSON body or a query counts as left out. Fields may be added to "
        "any answer.",
    },
    servers={
        "public": {
            "url": "http://{host}:{port}",
            "description": "the public listener",
            "variables": {"host": {"default": "mithril-api"}, "port": {"default": "8080"}},
        },
        "internal": {
            "url": "http://{host}:{port}",
            "description": "the internal listener: never exposed",
            "variables": {"host": {"default": "mithril-api"}, "port": {"default": "8180"}},
        },
    },
    tags={
        "/.well-known/": "OAuth 2",
        "/oauth2/": "OAuth 2",
        "/oauth/tokens": "Tokens",
        "/oauth/nonce": "Sign-in",
        "/oauth/device/": "Consents",
        "/auth/": "Sign-in",
        "/oauth/apps": "Consents",
        "/api/pis/apps": "Consents",
        "/admin/apps": "Consents",
        "/oauth/user": "Own account",
        "/api/credentials_recovery_requests": "Own account",
        "/admin/tokens": "Tokens of others",
        "/admin/api_key": "Tokens of others",
        "/admin/clients": "Clients",
        "/admin/client_types": "Scope limits",
        "/admin/roles": "Scope limits",
        "/admin/user": "Users",
        "/admin/otps": "Users",
        "/admin/": "Platform",
        "/openapi.json": "Description",
        "/docs": "Description",
        "/static/": "Description",
        **dict.fromkeys(("/healthz", "/readyz", "/metrics", "/outbox"), "Process"),
    },
    about_tags={
        "Tokens": "The eHealth contract: a token for a code or a refresh token.",
        "OAuth 2": "The standards, for any client library.",
        "Sign-in": "What sign-in pages ask.",
        "Consents": "What users let clients do.",
        "Own account": "What users do with their own account.",
        "Users": "Accounts, their roles, tokens and second factors, for operators.",
        "Clients": "Clients and their connections, for operators.",
        "Scope limits": "Roles and client types, for operators.",
        "Tokens of others": "What gateways ask, and what operators do with tokens.",
        "Platform": "What the services of the platform ask one another.",
        "Process": "Probes and metrics.",
        "Description": "This document, and a page to try it.",
    },
    security_schemes={
        "accessToken": {
            **_BEARER,
            "description": "An access token of a user; the scopes that it must have are "
            "listed with the operation.",
        },
        "stepToken": {
            **_BEARER,
            "description": "The token that the step before answered with: of a session, a "
            "second factor, or a change of password.",
        },
        "serviceToken": {
            **_BEARER,
            "description": "A token of the platform (`MITHRIL_SERVICE_TOKENS`).",
        },
        "registrationToken": {
            **_BEARER,
            "description": "Of an operator, to register a client (RFC 7591 §3); or what the "
            "client got then, to manage that (RFC 7592).",
        },
        "clientBasic": {
            "type": "http",
            "scheme": "basic",
            "description": "A client's id and secret, each form-encoded (RFC 6749 §2.3.1).",
        },
    },
)


def document_of(listeners: Mapping[str, web.Application]) -> dict[str, Any]:
    """The document of these listeners' routes; it is served by the first of them.

    A route that declares nothing is an error.
    """
    routes = [
        Route(
            listener=listener,
            method=route.method,
            path=route.resource.canonical,
            described=described(route.handler),
        )
        for listener, app in listeners.items()
        for route in app.router.routes()
        # HEAD is what GET is, without the body (RFC 9110 §9.3.2).
        if route.resource is not None and route.method != "HEAD"
    ]
    first, *others = listeners
    servers = {first: _HERE} | {name: OUTLINE.servers[name] for name in others}
    return document(routes, replace(OUTLINE, servers=servers))
