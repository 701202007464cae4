// Keeps the live alerts up to date: each event brings the whole panel, drawn by the service. Says
// what is new to a screen reader, and with a sound to those who have switched it on.
"use strict";

const KEPT = "ops-alert-sound";
const panel = document.querySelector("[data-panel]");
const said = document.querySelector("[data-said]");
const state = document.querySelector("[data-state]");
const title = document.title;
const known = new Set([...panel.querySelectorAll(".alert:not(.quiet)")].map((one) => one.dataset.key));
const sound = follow(document.querySelector("[data-sound]"));

count(known.size);
const stream = new EventSource(panel.dataset.stream);
stream.addEventListener("open", () => tell("Live."));
stream.addEventListener("error", () => tell("The connection is lost; what is shown is old. It is tried again."));
stream.addEventListener("away", () => tell("The database does not answer; what is shown is old."));
stream.addEventListener("end", () => {
  stream.close();
  location.reload(); // signed out: the page itself leads to the form
});
stream.addEventListener("alerts", (event) => show(JSON.parse(event.data)));

function tell(text) {
  if (state.textContent !== text) {
    state.textContent = text;
  }
}

function show(told) {
  tell("Live.");
  const focused = place(document.activeElement);
  panel.innerHTML = told.html;
  focused?.();
  const fresh = told.alerts.filter((one) => !known.has(one.key));
  known.clear();
  for (const one of told.alerts) {
    known.add(one.key);
  }
  count(known.size);
  for (const one of fresh) {
    panel.querySelector(`.alert[data-key="${one.key}"]`)?.classList.add("new");
  }
  if (fresh.length > 0) {
    const names = fresh.slice(0, 3).map((one) => `${one.severity}: ${one.name}`).join("; ");
    const more = fresh.length > 3 ? ` and ${fresh.length - 3} more` : "";
    said.textContent = `${fresh.length === 1 ? "New alert" : `${fresh.length} new alerts`}: ${names}${more}.`;
    sound.ring(fresh.some((one) => one.severity === "critical"));
  }
}

// The focus is where it was, though what it was in has been drawn anew.
function place(element) {
  const alert = element?.closest?.("[data-panel] .alert");
  if (!alert) {
    return null;
  }
  const index = [...alert.querySelectorAll("a")].indexOf(element);
  const key = alert.dataset.key;
  return () => panel.querySelectorAll(`.alert[data-key="${key}"] a`)[index]?.focus();
}

function count(number) {
  document.title = number > 0 ? `(${number}) ${title}` : title;
}

function follow(box) {
  const button = box.querySelector("button");
  const muted = box.querySelector("[data-muted]");
  const kept = localStorage.getItem(KEPT);
  let on = (kept ?? box.dataset.sound) === "on";
  let audio = null;

  box.hidden = false;
  button.addEventListener("click", () => {
    on = !on;
    localStorage.setItem(KEPT, on ? "on" : "off");
    draw();
    if (on) {
      ring(false); // so that one knows what it will be like
    }
  });
  // Browsers let a page be heard only once somebody has done something on it.
  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, wake, { passive: true });
  }
  draw();
  return { ring };

  function draw() {
    button.textContent = `Sound: ${on ? "on" : "off"}`;
    button.setAttribute("aria-pressed", String(on));
    muted.hidden = !on || audio?.state === "running";
  }

  async function wake() {
    if (!on) {
      return;
    }
    audio ??= new AudioContext();
    await audio.resume();
    draw();
  }

  async function ring(grave) {
    if (!on) {
      return;
    }
    await wake();
    box.dataset.rung = String(Number(box.dataset.rung ?? 0) + 1);
    const notes = grave ? [880, 660, 880, 660] : [660, 880];
    notes.forEach((hertz, index) => note(hertz, audio.currentTime + index * 0.18));
  }

  function note(hertz, at) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.2, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.16);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.17);
  }
}
