// The page of a sitting: one question at a time, a navigator, the clock, and a saved state that is never wrong.

import { ReconnectingSocket, socketAddress } from "@labs/reconnecting.js";
import { read, write } from "@exams/answers.js";
import { Countdown } from "@exams/countdown.js";
import { Keeping } from "@exams/keeping.js";

const TYPING_MS = 600;
const ASK_AGAIN_MS = 2_000;
// An acknowledgement takes milliseconds; one that takes this long says that the connection is dead, whatever it looks.
const LATE_MS = 4_000;
const body = JSON.parse(document.getElementById("sitting-data").textContent);
const byId = (id) => document.getElementById(id);
const sections = [...document.querySelectorAll("[data-slot]")];
const state = byId("sitting-saved");
let over = false;
let elsewhere = false;

document.body.classList.add("is-live");

// --- answers ---

const socket = new ReconnectingSocket({
  address: () => socketAddress(body.socket),
  opened: () => socket.send(JSON.stringify({ type: "hello", token: body.token })),
  message: ({ data }) => hear(JSON.parse(data)),
  state: (name, { code }) => {
    if (name === "refused") stop(code);
    tellState();
  },
});
const keeping = new Keeping({
  attempt: body.attempt,
  heads: body.standing.heads,
  send: (message) => socket.send(JSON.stringify(message)),
  post: (changes) => (isConnected() || over || elsewhere ? [] : post(changes)),
  changed: () => tellState(),
});
const typing = new Map();
// What each question's fields said last; leaving a field tells of a change that was heard while it was typed.
const heard = new Map();
let handingIn = false;

async function post(changes) {
  const response = await fetch(body.answers, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": body.csrf },
    body: JSON.stringify({ token: body.token, changes }),
  });
  if (!response.ok) return [];
  const told = await response.json();
  stand(told.standing);
  return told.kept;
}

function answered(section) {
  clearTimeout(typing.get(section));
  typing.delete(section);
  const answer = read(section);
  const words = JSON.stringify(answer);
  if (heard.get(section) !== words) {
    heard.set(section, words);
    keeping.change(section.dataset.slot, answer);
  }
  mark(section);
  tellState();
}

for (const section of sections) {
  section.addEventListener("change", () => answered(section));
  section.addEventListener("input", ({ target }) => {
    if (!target.matches("textarea, input[type=text]")) return;
    clearTimeout(typing.get(section));
    typing.set(
      section,
      setTimeout(() => answered(section), TYPING_MS),
    );
    tellState();
  });
}

/** What is typed and waits for a pause goes out now. */
function flush() {
  for (const section of [...typing.keys()]) answered(section);
}

addEventListener("pagehide", flush);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
addEventListener("beforeunload", (event) => {
  if (!over && (keeping.waiting || typing.size)) event.preventDefault();
});

// --- what the server says ---

function hear(message) {
  if (message.type === "standing") {
    stand(message);
    keeping.resend(message.heads);
  } else if (message.type === "kept") {
    keeping.hear(message);
    if (message.outcome === "over") ask();
  }
}

function stand(standing) {
  if (standing.state !== "open") {
    over = true;
    keeping.forget();
    socket.stop();
    location.replace(body.outcome);
    return;
  }
  countdown.set(standing.left_ms, standing.paused);
  byId("sitting-paused").hidden = !standing.paused;
  byId("sitting-questions").inert = standing.paused;
  if (standing.message) tellMessage(standing.message);
  tellState();
}

let shown = 0;
function tellMessage({ id, text }) {
  if (id <= shown) return;
  shown = id;
  byId("sitting-message").hidden = false;
  byId("sitting-message-text").textContent = text;
}

function stop(code) {
  elsewhere = true;
  byId("sitting-elsewhere").hidden = false;
  byId("sitting-elsewhere").focus();
  byId("sitting-questions").inert = true;
  if (code !== 4410) location.reload();
}

/** The time is up: the server closes the attempt some seconds later; the page asks until it is so. */
function ask() {
  if (over) return;
  flush();
  if (socket.isOpen) socket.reopen();
  setTimeout(ask, ASK_AGAIN_MS);
}

const countdown = new Countdown(byId("sitting-clock"), ask);

const isConnected = () => socket.isOpen && navigator.onLine && !keeping.isLate(LATE_MS);

function tellState() {
  const waiting = keeping.waiting + [...typing.keys()].length;
  const kind = elsewhere ? "elsewhere" : !waiting ? "saved" : isConnected() ? "saving" : "held";
  state.dataset.state = kind;
  const text = state.dataset[kind].replace("{n}", waiting);
  if (state.textContent !== text) state.textContent = text;
  if (handingIn && kind === "saved") {
    handingIn = false;
    byId("sitting-hand-in").click();
  }
}

addEventListener("offline", tellState);
addEventListener("online", tellState);
setInterval(() => {
  if (over || elsewhere) return;
  if (keeping.isLate(LATE_MS) && socket.isOpen) socket.reopen();
  tellState();
}, ASK_AGAIN_MS);

// --- one question at a time ---

const navigator_ = byId("sitting-navigator");
const links = new Map();
let current = 0;

function mark(section) {
  const link = links.get(section);
  const has = read(section) !== null;
  link.dataset.answered = has;
  link.setAttribute("aria-label", (has ? body.words.answered : body.words.open).replace("{n}", section.dataset.slot));
}

function go(number, focus = true) {
  current = Math.max(0, Math.min(sections.length - 1, number));
  sections.forEach((section, at) => {
    section.hidden = at !== current;
    links.get(section).toggleAttribute("aria-current", at === current);
  });
  byId("sitting-before").disabled = current === 0;
  byId("sitting-after").disabled = current === sections.length - 1;
  if (focus) sections[current].querySelector("h2").focus();
}

for (const [at, section] of sections.entries()) {
  const link = document.createElement("button");
  link.type = "button";
  link.textContent = section.dataset.slot;
  link.addEventListener("click", () => go(at));
  links.set(section, link);
  navigator_.append(link);
  if (section.dataset.slot in keeping.held) write(section, keeping.held[section.dataset.slot]);
  heard.set(section, JSON.stringify(read(section)));
  mark(section);
}
byId("sitting-before").addEventListener("click", () => go(current - 1));
byId("sitting-after").addEventListener("click", () => go(current + 1));
byId("sitting-hide").addEventListener("click", ({ currentTarget }) => {
  const hidden = byId("sitting-clock").toggleAttribute("data-hidden");
  currentTarget.setAttribute("aria-pressed", hidden);
});

/** Handing in goes on by itself once everything is saved: nobody hands in what only this browser has. */
byId("sitting-hand-in").addEventListener("click", (event) => {
  flush();
  if (!keeping.waiting) return;
  event.preventDefault();
  handingIn = true;
  tellState();
});

const first = sections.findIndex((section) => read(section) === null);
go(first === -1 ? 0 : first, false);
countdown.set(body.standing.left_ms, body.standing.paused);
stand(body.standing);
socket.start();
tellState();
