// Keeps the parts of a page that are marked data-hz-live up to date. Without it every page still works.
//
// The page is asked for again at its own address with "X-Horizon-Fragment: 1", and what has changed is patched in by key,
// so that focus, open details, ticked boxes and the scroll position stay. It asks again only after an answer, never in a
// hidden tab, more and more rarely while the server fails, and not at all once the reader is signed out. What the server
// left out because its database was slow is asked for at once, and with more patience from then on; where that does not help
// either, only once a minute, since what does not need the database must not wait for it.
//
// The ETag of each answer is sent with the next question, that of a 304 too: it says when the server looked last, and what
// it need not look at again so soon.

const root = document.querySelector(".hz[data-hz-interval]");
const fresh = document.querySelector("[data-hz-fresh]");

const WORDS = JSON.parse(root?.dataset.hzWords ?? "{}"); // the page's texts, in the reader's language

function say(name, places = {}) {
  return (WORDS[name] ?? "").replace(/\{(\w+)\}/g, (_, place) => places[place]);
}

const BACK_OFF = [10, 20, 40, 60]; // seconds
const REST = 60; // seconds between two asks with more patience, when the last one was in vain

const state = {
  interval: Number(root?.dataset.hzInterval ?? 0),
  etag: "",
  late: root?.dataset.hzLate ?? "", // where to ask with more patience, once the database has been slow
  isLate: Boolean(root?.dataset.hzLate), // whether something is left out of what the server sent last
  patientFrom: 0, // when to ask there
  readAt: Date.now(), // when the data on the page arrived
  readClock: fresh?.querySelector("time")?.textContent ?? "", // the same moment, as the server writes it
  failures: 0,
  trouble: "",
  timer: 0,
  asking: false,
  isAnew: false, // whether the reader wants the page drawn, whatever is here
  stopped: false,
};

// ---------------------------------------------------------------------------------------------------- Asking

async function ask() {
  if (state.asking || state.stopped) return;
  state.asking = true;
  if (state.isAnew) state.etag = "";
  state.isAnew = false;
  const begun = performance.now();
  const isPatient = Boolean(state.late) && Date.now() >= state.patientFrom;
  try {
    const headers = { "X-Horizon-Fragment": "1" };
    if (state.etag) headers["If-None-Match"] = state.etag;
    const answer = await fetch(isPatient ? state.late : location.href, { headers, redirect: "manual", cache: "no-store", credentials: "same-origin" });
    await take(answer);
  } catch {
    fail(say("silent"));
  } finally {
    state.asking = false;
  }
  const isInVain = isPatient && state.isLate;
  if (isInVain) state.patientFrom = Date.now() + REST * 1000;
  showFreshness();
  if (state.isAnew) await ask();
  else plan(isInVain ? 0 : performance.now() - begun);
}

async function take(answer) {
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return signedOut();
  // A 404 is a page too: "this job is gone".
  if (answer.status !== 304 && answer.status !== 404 && !answer.ok) return fail(answered(answer));
  let isWhole = true;
  if (answer.status !== 304) {
    const body = await answer.text();
    const page = new DOMParser().parseFromString(body, "text/html").querySelector(".hz");
    if (!page) return fail(say("strange"));
    state.late ||= page.dataset.hzLate ?? "";
    state.isLate = Boolean(page.dataset.hzLate);
    isWhole = show(page);
    if ("hzUnknown" in page.dataset) return fail(say(page.dataset.hzLate ? "late" : "away"));
  }
  // What was not taken is asked for again, whether it changes or not.
  state.etag = isWhole ? (answer.headers.get("ETag") ?? "") : "";
  state.failures = 0;
  state.trouble = "";
  state.readAt = Date.now();
  state.readClock = answer.headers.get("X-Horizon-At") ?? "";
}

// The id is what its error stands under in the server's log.
function answered({ status, headers }) {
  const id = headers.get("X-Request-ID");
  return id ? say("answeredAs", { status, id }) : say("answered", { status });
}

// Patch every live part that the page has, but for one that the reader is selecting text in; whether that was all.
function show(page) {
  const unknown = "hzUnknown" in page.dataset;
  const focused = document.activeElement;
  let isWhole = true;
  for (const part of document.querySelectorAll("[data-hz-live]")) {
    const next = page.querySelector(`#${CSS.escape(part.id)}`);
    // What was last known stays, greyed: better than an empty page.
    if (unknown && part.id === "hz-live") part.classList.add("hz-stale");
    else if (isBeingSelected(part)) isWhole = false;
    else if (next) patch(part, next);
  }
  if (page.dataset.hzTitle) document.title = page.dataset.hzTitle;
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  return isWhole;
}

function isBeingSelected(part) {
  const selection = getSelection();
  return selection && !selection.isCollapsed && selection.containsNode(part, true);
}

function fail(why) {
  state.failures += 1;
  state.trouble = why;
  state.etag = "";
}

function signedOut() {
  state.stopped = true;
  state.trouble = say("signedOut");
}

function plan(tookMilliseconds) {
  clearTimeout(state.timer);
  if (state.stopped || document.hidden || !state.interval) return;
  const usual = Math.max(state.interval * 1000, 4 * tookMilliseconds);
  const wait = state.failures ? BACK_OFF[Math.min(state.failures, BACK_OFF.length) - 1] * 1000 : usual;
  state.timer = setTimeout(ask, wait * (0.9 + 0.2 * Math.random()));
}

// ------------------------------------------------------------------------------------------------- Freshness

function showFreshness() {
  if (!fresh) return;
  const words = fresh.firstElementChild;
  fresh.classList.toggle("hz-fresh-stale", Boolean(state.trouble));
  if (state.stopped) {
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = say("signIn");
    words.replaceChildren(`${state.trouble} `, link);
    return;
  }
  const places = { clock: state.readClock, time: span((Date.now() - state.readAt) / 1000), trouble: state.trouble };
  const text = say(state.trouble ? "asOf" : "updated", places);
  if (words.textContent !== text) words.textContent = text;
}

function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return say("seconds", { n: whole });
  return whole < 3600 ? say("minutes", { n: Math.floor(whole / 60) }) : say("hours", { n: Math.floor(whole / 3600) });
}

// -------------------------------------------------------------------------------------------------- Patching

// Make one node like another of the same kind, touching only what differs.
function patch(node, next) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.nodeValue !== next.nodeValue) node.nodeValue = next.nodeValue;
    return;
  }
  // What is kept is not even in the answer.
  if (node.isEqualNode(next) || node.hasAttribute("data-hz-kept")) return;
  patchAttributes(node, next);
  patchChildren(node, next);
}

// What the reader has done to an element is kept: an opened details, a ticked box, a typed word, a chosen option.
const READERS_OWN = { DETAILS: ["open"], INPUT: ["checked", "value"], OPTION: ["selected"] };

function patchAttributes(node, next) {
  const kept = READERS_OWN[node.nodeName] ?? [];
  for (const { name } of [...node.attributes]) {
    if (!next.hasAttribute(name) && !kept.includes(name)) node.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (node.getAttribute(name) !== value && !kept.includes(name)) node.setAttribute(name, value);
  }
}

function patchChildren(node, next) {
  const matches = matchChildren(node, next);
  // The missing ones go first: moving a node takes the focus from it, and fewer have to move this way.
  const staying = new Set(matches.values());
  for (const child of [...node.childNodes]) if (!staying.has(child)) child.remove();
  let place = node.firstChild;
  for (const wanted of next.childNodes) {
    const match = matches.get(wanted);
    if (!match) {
      node.insertBefore(document.importNode(wanted, true), place);
    } else {
      if (match === place) place = place.nextSibling;
      else if (node.moveBefore) node.moveBefore(match, place);
      else node.insertBefore(match, place);
      patch(match, wanted);
    }
  }
}

// Which child becomes which: by id or data-key where there is one, else by kind and order.
function matchChildren(node, next) {
  const keyed = new Map();
  const loose = new Map();
  for (const child of node.childNodes) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
    else loose.set(child.nodeName, [...(loose.get(child.nodeName) ?? []), child]);
  }
  const matches = new Map();
  for (const wanted of next.childNodes) {
    const key = keyOf(wanted);
    const match = key ? keyed.get(key) : loose.get(wanted.nodeName)?.shift();
    if (match && match.nodeName === wanted.nodeName) matches.set(wanted, match);
  }
  return matches;
}

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  // Not node.id: a form with a field named "id" answers with that field.
  return node.getAttribute("id") || node.getAttribute("data-key") || "";
}

// ------------------------------------------------------------------------------------------ Small conveniences

async function copyCommand(button) {
  const words = button.closest(".hz-command")?.querySelector("code")?.textContent;
  if (!words) return;
  const before = button.getAttribute("aria-label");
  await navigator.clipboard.writeText(words);
  button.setAttribute("aria-label", say("copied"));
  button.classList.add("hz-copied");
  setTimeout(() => {
    button.setAttribute("aria-label", before);
    button.classList.remove("hz-copied");
  }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (button) copyCommand(button).catch(() => {});
});

document.querySelector("[data-hz-every] select")?.addEventListener("change", (event) => event.target.form.submit());

// A key asks for it, also while updates are paused; then also for what time alone has changed. While an answer is on its way,
// that is asked behind it: the answer may be from before.
document.addEventListener("horizon:now", () => {
  state.isAnew = true;
  if (root) ask();
});

if (root && state.interval) {
  document.addEventListener("visibilitychange", () => {
    clearTimeout(state.timer);
    if (!document.hidden) ask();
  });
  addEventListener("online", () => ask());
  setInterval(() => document.hidden || showFreshness(), 1000);
  if (state.late) ask();
  else plan(0);
}
