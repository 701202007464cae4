// Says that a click has arrived. A second one would do no harm: the form counts once.
"use strict";

for (const form of document.querySelectorAll('form[method="post"]')) {
  const button = form.querySelector("button");
  if (button === null) {
    continue; // whoever may only look
  }
  const text = button.textContent;
  form.addEventListener("submit", () => {
    button.setAttribute("aria-busy", "true");
    button.textContent = "Working…";
    // Not at once: a disabled button would stop its own click.
    setTimeout(() => {
      button.disabled = true;
    });
  });
  // The page may come back out of the browser's memory as it was left.
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-busy");
    button.textContent = text;
    button.disabled = false;
  });
}
