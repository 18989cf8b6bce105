"""Every text of the pages in English; `texts.py` says what keys there are."""

from collections.abc import Mapping

TEXTS: Mapping[str, str] = {
    "brand": "eHealth sign-in",
    "skip": "Skip to content",
    "language": "Language",
    "footer": "Electronic health care system",
    "error_prefix": "Error",
    "email": "E-mail",
    "password": "Password",
    "continue": "Continue",
    "cancel": "Cancel",
    "next": "Next",
    "previous": "Previous",
    "pages": "Pages",
    "seconds": "s",
    "start_again": "Start again",
    "back_to_sign_in": "Go to sign-in",
    "sign_out": "Sign out",
    "sign_in.title": "Sign in",
    "sign_in.to_client": "Sign in to continue to",
    "sign_in.button": "Sign in",
    "sign_in.forgot": "Forgot your password?",
    "sign_in.change": "Change the password",
    "captcha.no_script": (
        "Here you confirm that you are no robot, which needs JavaScript. Switch it on "
        "and open the page again."
    ),
    "code.title": "One-time code",
    "code.sent": "We have sent a code by SMS to",
    "code.of_app": "Enter the code that your authenticator app shows",
    "code.label": "Code",
    "code.button": "Confirm",
    "code.wait": "Another code can be sent in",
    "code.resend": "Send another code",
    "code.resent": "We have sent another code. The former one no longer works.",
    "code.too_early": "Please wait a little: another code cannot be sent yet.",
    "code.other": "Confirm in another way",
    "choose.title": "How to confirm it is you?",
    "choose.lead": "Choose one of your ways.",
    "choose.SMS": "Code by SMS",
    "choose.TOTP": "Code of an authenticator app",
    "choose.WEBAUTHN": "Passkey",
    "device.title": "Connect a device",
    "device.lead": "Enter the code that the device or the application shows.",
    "device.code": "Code",
    "device.hint": "Eight letters, for example WDJB-MJHT",
    "device.button": "Continue",
    "device.confirm.title": "Allow the device?",
    "device.confirm.is_shown": "Does the device in front of you show this code?",
    "device.confirm.warning": (
        "Allow it only if you have started this yourself, on a device that is with you. If "
        "somebody sent you the code or a link, or reads it to you on the phone, refuse: they "
        "would get access in your name."
    ),
    "device.confirm.allow": "The code matches, allow",
    "device.allowed.title": "The device is connected",
    "device.allowed.text": "Go back to it: it goes on by itself. You can close this page.",
    "device.denied.title": "The device was refused",
    "device.denied.text": "It gets no access. You can close this page.",
    "passkey.title": "Passkey",
    "passkey.lead": (
        "Confirm with your passkey: your device will ask for a fingerprint, a "
        "face, a PIN or a security key."
    ),
    "passkey.create_lead": (
        "Your device will offer to create a passkey and ask for a fingerprint, "
        "a face, a PIN or a security key."
    ),
    "passkey.use": "Use the passkey",
    "passkey.create": "Create the passkey",
    "passkey.failed": "The passkey did not work, or the request was cancelled. Try again.",
    "passkey.missing": "This browser knows no passkeys.",
    "passkey.no_script": "A passkey needs JavaScript; the other ways work without.",
    "passkey.elsewhere": "Passkeys do not work at this address. They work here:",
    "set_up.title": "Second factor",
    "set_up.lead": (
        "A second factor is needed to sign in. Choose how you will confirm that it is you."
    ),
    "set_up.lead_add": "Choose what to add.",
    "set_up.sms": "Code by SMS",
    "set_up.phone": "Phone number",
    "set_up.phone_hint": "For example, 050 123 45 67",
    "set_up.sms_button": "Send a code",
    "set_up.totp": "Authenticator app",
    "set_up.totp_lead": "An app on your phone shows codes, even without a network.",
    "set_up.totp_button": "Connect an app",
    "set_up.passkey": "Passkey",
    "set_up.passkey_lead": "The safest way: no forged page can get it out of you.",
    "set_up.passkey_button": "Create a passkey",
    "set_up.other": "Choose another way",
    "set_up.done": "The second factor has been added.",
    "totp.title": "Authenticator app",
    "totp.scan": "Scan this code with the app.",
    "totp.qr": "QR code of the secret for the app",
    "totp.by_hand": "It cannot be scanned? Type the secret into the app:",
    "totp.enter": "Enter the code that the app shows.",
    "totp.button": "Finish",
    "consent.title": "Give access",
    "consent.asks": "asks to act on your behalf:",
    "consent.only_new": "Only what you have not yet allowed is shown.",
    "consent.technical": "Technical names",
    "consent.account": "Account",
    "consent.leads_to": "You will be taken to",
    "consent.withdraw": "You can withdraw this at any time on the page “My approvals”.",
    "consent.allow": "Allow",
    "consent.deny": "Refuse",
    "consent.other_account": "Use another account",
    "signature.link": "Sign in by digital signature",
    "signature.title": "Sign in by digital signature",
    "signature.content": "What to sign",
    "signature.content_hint": (
        "Sign this with your signing tool, with the data inside the signature "
        "(CAdES, attached)."
    ),
    "signature.signed": "Signed data (base64)",
    "signature.file": "or the signed file",
    "signature.by_password": "Sign in by password",
    "signature.signer": "owner of the signature",
    "signature.missing": "Paste the signed data or choose a file.",
    "update.title": "Change the password",
    "update.lead": "Confirm that it is you, then set a new password.",
    "update.present": "Present password",
    "new.title": "New password",
    "new.rules": (
        "At least 12 characters, with capital and small letters and digits. Not "
        "one of the last three passwords."
    ),
    "new.password": "New password",
    "new.repeated": "New password again",
    "new.button": "Save the password",
    "new.differ": "The passwords differ.",
    "changed.title": "The password is changed",
    "changed.text": "All former sessions have ended. Sign in with the new password.",
    "reset.title": "Recover access",
    "reset.lead": (
        "Give the address of your account: we will send a link for a new password."
    ),
    "reset.button": "Send the link",
    "reset_sent.title": "Check your mail",
    "reset_sent.text": (
        "If we know that address, a mail with a link has been sent to it. The "
        "link works for 25 minutes, and once."
    ),
    "account.title": "My account",
    "account.signed_in": "You are signed in as",
    "account.lead": (
        "Here you can sign in, change the password and see what you have allowed."
    ),
    "account.signed_out": "You are signed out.",
    "approvals.title": "My approvals",
    "approvals.lead": "Applications that you have allowed to act on your behalf.",
    "approvals.none": "You have allowed nothing yet.",
    "approvals.since": "Allowed on",
    "approvals.allows": "What is allowed",
    "approvals.revoke": "Withdraw",
    "approvals.revoked": (
        "The approval is withdrawn. The application can no longer act on your behalf."
    ),
    "revoke.title": "Withdraw the approval?",
    "revoke.text": "The application loses access at once. It will ask again the next time.",
    "revoke.button": "Withdraw",
    "factors.title": "My factors",
    "factors.lead": "What you confirm a sign-in with, besides the password.",
    "factors.none": "There is no second factor.",
    "factors.add": "Add a factor",
    "factors.remove": "Remove",
    "factors.removed": "The factor is removed.",
    "remove.title": "Remove the factor?",
    "remove.text": "It will no longer confirm a sign-in.",
    "remove.button": "Remove",
    "sign_out.title": "Sign out?",
    "sign_out.text": "The session on this device will end.",
    "sign_out.button": "Sign out",
    "error.retry": "Try again in",
    "error.request": "Request number",
    "error.internal.title": "Something went wrong",
    "error.internal.text": "We know of it. Try again a little later.",
    "error.not_found.title": "There is no such page",
    "error.not_found.text": "Check the address, or start again.",
    "error.bad_request.title": "Bad request",
    "error.bad_request.text": (
        "The address or the form has a mistake. Go back to the application and start again."
    ),
    "error.method_not_allowed.title": "This page is not opened like that",
    "error.method_not_allowed.text": "Start again.",
    "error.too_large.title": "Too much data",
    "error.too_large.text": "What was sent is too large for this form.",
    "error.cross_site.title": "Not from a page of ours",
    "error.cross_site.text": "The form came from another site, so nothing was done.",
    "error.forbidden.title": "Access is forbidden",
    "error.forbidden.text": "You are not allowed to do this.",
    "error.stale_form.title": "The form is out of date",
    "error.stale_form.text": (
        "The session in which it was opened is over. Open the page again; nothing was done."
    ),
    "error.too_many.title": "Too many attempts",
    "error.too_many.text": "Wait, and try again.",
    "error.unavailable.title": "The service is temporarily unavailable",
    "error.unavailable.text": "Try again in a minute. Nothing is lost.",
    "error.no_client_id.title": "No application to authorise was named",
    "error.no_client_id.text": (
        "The link has no client_id. Go back to the application and start again."
    ),
    "error.no_redirect_uri.title": "No address to return to was given",
    "error.no_redirect_uri.text": (
        "The link has no redirect_uri. Go back to the application and start again."
    ),
    "error.wrong_client.title": "Unknown application",
    "error.wrong_client.text": "No application with that client_id is registered.",
    "error.wrong_redirect.title": "Wrong address to return to",
    "error.wrong_redirect.text": (
        "The redirect_uri is not registered for this application, so we do not lead there."
    ),
    "error.client_blocked.title": "The application is blocked",
    "error.client_blocked.text": "It cannot be signed in to at present.",
    "error.link_used.title": "The link does not work",
    "error.link_used.text": (
        "It was used already, or 25 minutes have passed. Ask for another."
    ),
    "error.refused.title": "It cannot go on",
    "error.refused.text": "The system refused this.",
    "refused.stale_form": (
        "The form was out of date, so nothing was done. Check it and send it again."
    ),
    "refused.unavailable": "The service is temporarily unavailable. Try again in a minute.",
    "refused.fields": "Check the marked fields.",
    "refused.device_code": (
        "This code is unknown, was used, or has expired. Check it, or get a new one on "
        "the device."
    ),
    "refused.wrong_password": "Wrong e-mail or password.",
    "refused.blocked": "The account is blocked. Ask your administrator.",
    "refused.login_limit": "Too many failed attempts to sign in. Try again later.",
    "refused.too_many": "Too many attempts. Try again later.",
    "refused.too_many_until": "Too many attempts. Try again in {seconds} s.",
    "refused.password_expired": "The password has expired. Set a new one.",
    "refused.otp_invalid": "The code is wrong.",
    "refused.otp_expired": "The code has expired. Get another.",
    "refused.otp_attempts": "Too many wrong codes. Get another code.",
    "refused.otp_timeout": "Codes are sent too often. Try a little later.",
    "refused.sms_fail": "The SMS could not be sent. Try later.",
    "refused.session_over": "The session is over. Sign in again.",
    "refused.not_registered": "The user is not registered.",
    "refused.captcha": "The reCAPTCHA check was not passed. Try again.",
    "refused.captcha_away": "reCAPTCHA cannot be checked at the moment. Try again in a minute.",
    "refused.client_grant": (
        "This sign-in is switched off for our application. Ask the system's administrator."
    ),
    "refused.scope_empty": "You have no roles for this application.",
    "refused.scope_client": "The application asks for more than its type allows.",
    "refused.scope_roles": "The application asks for more than your roles allow.",
    "refused.second_factor": "A second factor is needed.",
    "refused.factor_unset": "This factor is not set up yet.",
    "refused.step_up": "Sign in again to do this.",
    "refused.jwt_invalid": "What was signed is not what the page shows.",
    "refused.jwt_expired": "What was to be signed has expired. Sign anew.",
    "refused.person": "No person was found by the signature.",
    "refused.tax_id": "The tax number of the signature does not match the person.",
    "refused.passkey": "The passkey was not accepted. Try again.",
    "refused.factor_last": "The last factor cannot be removed. Add another one first.",
    "refused.passkeys_many": "There are too many passkeys. Remove one of them first.",
    "refused.recovery_off": "Recovery by mail is switched off. Ask your administrator.",
    "refused.client_blocked": "The application is blocked.",
    "refused.not_found": "It is no longer there.",
    "refused.unknown": "The system refused: {said}",
    "field.required": "Fill this in.",
    "field.length": "At least 12 characters.",
    "field.complexity": "Capital and small letters and digits are needed.",
    "field.used": "This password was used recently. Choose another.",
    "field.breached": "This password is among those known to have leaked. Choose another.",
    "field.email": "This is no e-mail address.",
    "field.phone": "A Ukrainian mobile number is needed.",
    "field.code": "A code is made of digits.",
    "field.captcha": (
        "Confirm that you are no robot. If there is nothing to tick, open the page again."
    ),
    "field.invalid": "The value is wrong.",
}
