"""The words of the pages of the back end, in English and Ukrainian."""

from collections.abc import Mapping
from types import MappingProxyType

Texts = Mapping[str, tuple[str, str, str]]  # title, text, what the link says
ENGLISH: Texts = MappingProxyType(
    {
        "state": (
            "This sign-in did not begin here",
            "It took too long, was finished in another window, or began in another browser.",
            "Sign in again",
        ),
        "issuer": (
            "This sign-in did not begin here",
            "The answer comes from another sign-in service.",
            "Sign in again",
        ),
        "declined": (
            "You are not signed in",
            "Access was not given.",
            "Sign in again",
        ),
        "code": (
            "You are not signed in",
            "The sign-in service did not accept the code. It works once, and not for long.",
            "Sign in again",
        ),
        "refused": (
            "You may not use this application",
            "The sign-in worked, but this application does not accept it.",
            "Sign in again",
        ),
        "unavailable": (
            "Try again in a moment",
            "A service that we need does not answer.",
            "Try again",
        ),
        "expired": (
            "Your session has ended",
            (
                "Nothing was sent. Sign in in a new window, then come back and reload this "
                "page: what you typed will be sent again."
            ),
            "Sign in in a new window",
        ),
        "cross_site": (
            "This was not sent from here",
            "Another site tried to change something in your name. Nothing was done.",
            "Go to the start page",
        ),
        "too_large": (
            "This is too large",
            "What you sent is larger than is accepted here.",
            "Go to the start page",
        ),
        "confirm": ("Sign out?", "You will have to sign in again.", "Stay signed in"),
        "signed_out": ("You are signed out", "", "Sign in again"),
        "signed_out_here": (
            "You are signed out in this browser",
            (
                "The sign-in service does not answer, so what this session held ends by itself "
                "later."
            ),
            "Sign in again",
        ),
    }
)
UKRAINIAN: Texts = MappingProxyType(
    {
        "state": (
            "Цей вхід розпочато не тут",
            "Він тривав надто довго, завершений в іншому вікні або початий в іншому браузері.",
            "Увійти знову",
        ),
        "issuer": (
            "Цей вхід розпочато не тут",
            "Відповідь надійшла від іншої служби входу.",
            "Увійти знову",
        ),
        "declined": ("Ви не увійшли", "Доступ не надано.", "Увійти знову"),
        "code": (
            "Ви не увійшли",
            "Служба входу не прийняла код. Він діє один раз і недовго.",
            "Увійти знову",
        ),
        "refused": (
            "Вам не можна користуватися цим застосунком",
            "Вхід вдався, але цей застосунок його не приймає.",
            "Увійти знову",
        ),
        "unavailable": (
            "Спробуйте за хвилину",
            "Служба, яка нам потрібна, не відповідає.",
            "Спробувати знову",
        ),
        "expired": (
            "Ваш сеанс завершився",
            (
                "Нічого не надіслано. Увійдіть у новому вікні, поверніться й перезавантажте цю "
                "сторінку: введене буде надіслано знову."
            ),
            "Увійти в новому вікні",
        ),
        "cross_site": (
            "Це надіслано не звідси",
            "Інший сайт намагався щось змінити від вашого імені. Нічого не зроблено.",
            "На початкову сторінку",
        ),
        "too_large": (
            "Це завелике",
            "Надіслане більше, ніж тут приймають.",
            "На початкову сторінку",
        ),
        "confirm": ("Вийти?", "Доведеться увійти знову.", "Залишитися"),
        "signed_out": ("Ви вийшли", "", "Увійти знову"),
        "signed_out_here": (
            "Ви вийшли в цьому браузері",
            "Служба входу не відповідає, тож дія цього сеансу завершиться сама згодом.",
            "Увійти знову",
        ),
    }
)
SIGN_OUT = MappingProxyType({"en": "Sign out", "uk": "Вийти"})
REQUEST = MappingProxyType({"en": "Request", "uk": "Запит"})
