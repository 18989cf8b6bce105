"""Scopes in words: `declaration_request:sign` is *Declaration requests: sign*.

A noun in the nominative and verbs in the infinitive read well in both languages without any
inflection. A scope that nobody named here still reads: its own words, without underscores.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.auth_web.domain.languages import Language

# resource -> (uk, en)
NOUNS: Mapping[str, tuple[str, str]] = {
    "abac_log": ("Журнал доступу до медичних записів", "Log of access to medical records"),
    "address": ("Адреси", "Addresses"),
    "allergy_intolerance": ("Алергії та непереносимості", "Allergies and intolerances"),
    "app": ("Дозволи застосункам", "Approvals of applications"),
    "authentication_factor": ("Другі фактори користувачів", "Second factors of users"),
    "bl_user": ("Чорний список користувачів", "Black list of users"),
    "cabinet": ("Кабінет пацієнта", "Patient's cabinet"),
    "capitation_report": ("Звіти про капітаційні виплати", "Capitation reports"),
    "client": ("Клієнти системи", "Clients of the system"),
    "client_type": ("Типи клієнтів", "Client types"),
    "condition": ("Стани і діагнози", "Conditions and diagnoses"),
    "connection": ("Підключення клієнта", "Connections of the client"),
    "contract": ("Договори", "Contracts"),
    "contract_request": ("Заяви на укладення договорів", "Contract requests"),
    "declaration": ("Декларації", "Declarations"),
    "declaration_documents": ("Документи декларацій", "Documents of declarations"),
    "declaration_request": ("Запити на декларації", "Declaration requests"),
    "dictionary": ("Довідники", "Dictionaries"),
    "division": ("Підрозділи закладу", "Divisions of the facility"),
    "drugs": ("Лікарські засоби", "Drugs"),
    "email": ("Ваша електронна адреса", "Your e-mail address"),
    "employee": ("Працівники", "Employees"),
    "employee_request": ("Заявки на працівників", "Employee requests"),
    "encounter": ("Взаємодії з пацієнтом", "Encounters"),
    "episode": ("Епізоди медичної допомоги", "Episodes of care"),
    "event": ("Події системи", "Events of the system"),
    "global_parameters": ("Глобальні параметри", "Global parameters"),
    "immunization": ("Імунізації", "Immunizations"),
    "innm": ("Міжнародні непатентовані назви ліків", "International nonproprietary names"),
    "innm_dosage": ("Лікарські форми", "Dosage forms"),
    "job": ("Фонові завдання", "Background jobs"),
    "legal_entity": ("Заклади (юридичні особи)", "Facilities (legal entities)"),
    "legal_entity_merge_job": (
        "Завдання з об’єднання закладів",
        "Merge jobs of facilities",
    ),
    "medical_program": ("Медичні програми", "Medical programmes"),
    "medication": ("Торгові назви ліків", "Medications"),
    "medication_dispense": ("Погашення рецептів", "Medication dispenses"),
    "medication_request": ("Рецепти", "Prescriptions"),
    "medication_request_request": ("Запити на рецепти", "Requests for prescriptions"),
    "observation": ("Спостереження", "Observations"),
    "offline_access": ("Доступ, коли ви не в системі", "Access while you are away"),
    "openid": ("Ваш ідентифікатор", "Who you are"),
    "otp": ("Підтвердження телефонів кодом", "Phone verification by code"),
    "party_user": ("Зв’язки осіб і користувачів", "Links of parties and users"),
    "patient_summary": ("Зведені дані пацієнта", "Patient summary"),
    "person": ("Дані пацієнтів", "Patients' data"),
    "phone": ("Ваш номер телефону для кодів", "Your phone number for codes"),
    "profile": ("Відомості вашого облікового запису", "Details of your account"),
    "program_medication": ("Ліки медичних програм", "Medications of programmes"),
    "reimbursement_report": ("Звіти про реімбурсацію", "Reimbursement reports"),
    "related_legal_entities": ("Пов’язані заклади", "Related facilities"),
    "role": ("Ролі", "Roles"),
    "secret": ("Секрет клієнта", "Client secret"),
    "service_request": ("Електронні направлення", "Referrals"),
    "token": ("Токени доступу", "Access tokens"),
    "user": ("Облікові записи", "User accounts"),
}

# verb -> (uk, en)
VERBS: Mapping[str, tuple[str, str]] = {
    "activate": ("активувати", "activate"),
    "approve": ("затверджувати", "approve"),
    "approve_factor": ("підтверджувати другий фактор", "confirm a second factor"),
    "authorize": ("надавати від вашого імені", "give on your behalf"),
    "block": ("блокувати", "block"),
    "cancel": ("скасовувати", "cancel"),
    "change_password": ("змінювати пароль", "change the password"),
    "create": ("створювати", "create"),
    "deactivate": ("деактивувати", "deactivate"),
    "delete": ("видаляти", "delete"),
    "delete_pis": ("відкликати власні", "withdraw one's own"),
    "details": ("переглядати подробиці", "view in detail"),
    "export": ("вивантажувати", "export"),
    "merge": ("об’єднувати", "merge"),
    "mis_verify": ("перевіряти від імені МІС", "verify for a MIS"),
    "nhs_verify": ("перевіряти від імені НСЗУ", "verify for the NHSU"),
    "process": ("опрацьовувати", "process"),
    "read": ("переглядати", "view"),
    "read_pis": ("переглядати власні", "view one's own"),
    "refresh": ("оновлювати", "renew"),
    "refresh_secret": ("оновлювати секрет", "renew the secret"),
    "reject": ("відхиляти", "reject"),
    "request_factor": ("запитувати другий фактор", "request a second factor"),
    "resend": ("надсилати повторно", "send again"),
    "reset_authentication_method": (
        "скидати спосіб автентифікації",
        "reset the authentication method",
    ),
    "sign": ("підписувати", "sign"),
    "terminate": ("припиняти", "terminate"),
    "unblock": ("розблоковувати", "unblock"),
    "update": ("змінювати", "change"),
    "use": ("використовувати", "use"),
    "write": ("створювати і змінювати", "create and change"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What may be done with one kind of thing, and the scopes that say so."""

    noun: str
    verbs: tuple[str, ...]
    scopes: tuple[str, ...]


def in_words(scopes: Iterable[str], language: Language) -> list[Permission]:
    """Scopes in words, those of one resource together, in the order of first mention."""
    grouped: dict[str, list[str]] = {}
    for scope in dict.fromkeys(scopes):
        grouped.setdefault(scope.partition(":")[0], []).append(scope)
    return [
        Permission(
            noun=_word(NOUNS, resource, language),
            verbs=tuple(
                _word(VERBS, verb, language, capital=False)
                for scope in asked
                if (verb := scope.partition(":")[2])
            ),
            scopes=tuple(asked),
        )
        for resource, asked in grouped.items()
    ]


def _word(
    table: Mapping[str, tuple[str, str]],
    name: str,
    language: Language,
    *,
    capital: bool = True,
) -> str:
    known = table.get(name)
    if known is not None:
        return known[0] if language == "uk" else known[1]
    words = " ".join(name.replace(":", " ").replace("_", " ").split())
    return words[:1].upper() + words[1:] if capital else words
