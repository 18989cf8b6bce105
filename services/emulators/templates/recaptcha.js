// Answers at once what the vendor's checkbox answers when a person has ticked it.
(() => {
  const answer = () => {
    for (const widget of document.querySelectorAll(".g-recaptcha")) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "g-recaptcha-response";
      field.value = "emulated";
      widget.replaceChildren(field, "reCAPTCHA (emulated)");
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", answer);
  else answer();
})();
