// Passkeys: the one thing on these pages that needs a script (WebAuthn Level 3).
"use strict";
(() => {
  const form = document.getElementById("passkey");
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const show = (id) => { document.getElementById(id).hidden = false; };
  const hide = (id) => { document.getElementById(id).hidden = true; };

  function options() {
    const given = JSON.parse(form.dataset.options);
    given.challenge = toBytes(given.challenge);
    if (given.user) given.user.id = toBytes(given.user.id);
    for (const list of [given.allowCredentials, given.excludeCredentials]) {
      for (const item of list || []) item.id = toBytes(item.id);
    }
    return { publicKey: given };
  }

  function asJson(credential) {
    const answer = credential.response;
    const response = { clientDataJSON: toText(answer.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (answer[name]) response[name] = toText(answer[name]);
    }
    if (answer.getTransports) response.transports = answer.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
      authenticatorAttachment: credential.authenticatorAttachment,
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.PublicKeyCredential) return show("passkey-missing");
    hide("passkey-failed");
    try {
      const credential = form.dataset.kind === "create"
        ? await navigator.credentials.create(options())
        : await navigator.credentials.get(options());
      form.elements.webauthn.value = asJson(credential);
      form.submit();
    } catch {
      show("passkey-failed");
    }
  });
})();
