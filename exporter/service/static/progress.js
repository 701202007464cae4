// Brings the progress of a run up to date without loading the page again; without this script the
// page reloads itself.
"use strict";

const EVERY_MS = 2000;
const TRIES = 5;
const AWAY = "This service does not answer, so what is shown is old. It is asked again and again.";
// A screen reader is told at each of these steps of the estimate.
const STEP = 10;

for (const box of document.querySelectorAll("[data-progress]")) {
  follow(box);
}

function follow(box) {
  const said = box.querySelector("[data-said]");
  const note = box.querySelector('[data-field="note"]');
  let failures = 0;
  let step = -1;

  async function look() {
    if (document.hidden) {
      return later();
    }
    let told;
    try {
      const answer = await fetch(box.dataset.progress, { headers: { accept: "application/json" } });
      if (answer.status === 401 || answer.status === 403) {
        return location.reload(); // signed out: the page itself leads to the form
      }
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      told = await answer.json();
    } catch {
      failures += 1;
      if (failures === TRIES) {
        said.textContent = note.textContent = AWAY;
      }
      return later();
    }
    failures = 0;
    if (!told.running) {
      return location.replace(box.dataset.there);
    }
    show(told);
    return later();
  }

  function show(told) {
    const bar = box.querySelector("progress");
    if ((told.percent !== null) !== (bar !== null)) {
      return location.reload(); // an estimate has come, or has gone
    }
    for (const field of box.querySelectorAll("[data-field]")) {
      const text = told[field.dataset.field];
      if (text !== null && field.textContent !== String(text)) {
        field.textContent = text;
      }
    }
    if (bar === null) {
      return;
    }
    bar.value = told.percent;
    box.querySelector("[data-left]").hidden = told.left === "";
    const reached = Math.floor(told.percent / STEP);
    if (reached > step) {
      step = reached;
      said.textContent = `About ${told.percent} percent, estimated` + (told.left ? `; about ${told.left} left.` : ".");
    }
  }

  function later() {
    setTimeout(look, EVERY_MS);
  }

  later();
}
