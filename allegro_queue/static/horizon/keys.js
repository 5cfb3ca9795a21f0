// Single keys: to pages, through the rows of a list, and into its search. Whoever does not want them turns them off in the
// list that "?" or the button in the bar opens; the browser remembers that. They never act while a field has the focus, nor with a modifier key, and
// none of them changes anything: "r" and "d" lead to the step that asks first.

const STORED = "horizon-keys";
const GO_SECONDS = 1.5;

const PAGES = { o: "overview", j: "jobs", f: "failures", q: "queues", w: "workers", s: "schedule", m: "metrics", t: "monitoring", a: "activity", h: "health" };

const WORDS = JSON.parse(document.querySelector(".hz[data-hz-words]")?.dataset.hzWords ?? "{}");

const state = { going: 0, row: "", lastTicked: null };

const isOn = () => {
  try {
    return localStorage.getItem(STORED) !== "off";
  } catch {
    return true;
  }
};

function remember(on) {
  try {
    if (on) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, "off");
  } catch {
    // A browser that stores nothing: it holds for this page only.
  }
}

// ------------------------------------------------------------------------------------------------------ Rows

const rows = () => [...document.querySelectorAll(".hz table tbody tr[data-key]")].filter((row) => linkIn(row));

const linkIn = (row) => row.querySelector("th a[href], td a[href]");

const current = () => rows().find((row) => row.contains(document.activeElement)) ?? rows().find((row) => row.dataset.key === state.row);

function move(step) {
  const all = rows();
  if (!all.length) return;
  const place = all.indexOf(current());
  const next = all[Math.min(Math.max(place < 0 ? 0 : place + step, 0), all.length - 1)];
  state.row = next.dataset.key;
  linkIn(next).focus();
  next.scrollIntoView({ block: "nearest" });
}

function tick(isRange) {
  const row = current();
  const box = row?.querySelector("input[type=checkbox]");
  if (!box) return;
  box.checked = !box.checked;
  const all = rows();
  const from = all.findIndex((each) => each.dataset.key === state.lastTicked);
  if (isRange && from >= 0) {
    const to = all.indexOf(row);
    for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
      const other = each.querySelector("input[type=checkbox]");
      if (other) other.checked = true;
    }
  }
  state.lastTicked = row.dataset.key;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function tickAll() {
  const boxes = rows().map((row) => row.querySelector("input[type=checkbox]")).filter(Boolean);
  for (const box of boxes) box.checked = true;
  boxes[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  // Its words say how many; it leads to the step that asks.
  document.querySelector(".hz-selection .hz-push a")?.focus();
}

function press(wanted) {
  const form = document.querySelector("#hz-ticked");
  if (!form?.querySelector("input[type=checkbox]:checked")) return;
  const button = form.querySelector(wanted);
  if (button) form.requestSubmit(button);
}

// ------------------------------------------------------------------------------------------------------ The list

function help() {
  let dialog = document.querySelector("#hz-keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "hz-keys";
    dialog.className = "hz-dialog";
    dialog.setAttribute("aria-labelledby", "hz-keys-title");
    const title = document.createElement("h2");
    title.id = "hz-keys-title";
    title.textContent = WORDS.keys;
    const list = document.createElement("dl");
    list.className = "hz-facts";
    for (const [key, words] of WORDS.listed) {
      const term = document.createElement("dt");
      const meaning = document.createElement("dd");
      term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      meaning.textContent = words;
      list.append(term, meaning);
    }
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: isOn() });
    box.addEventListener("change", () => remember(box.checked));
    label.append(box, ` ${WORDS.keysOn}`);
    const form = Object.assign(document.createElement("form"), { method: "dialog", className: "hz-actions" });
    form.append(Object.assign(document.createElement("button"), { className: "hz-button", textContent: WORDS.close }));
    dialog.append(title, list, label, form);
    document.querySelector(".hz").append(dialog);
  }
  if (!dialog.open) dialog.showModal();
}

// ------------------------------------------------------------------------------------------------------ Pressing

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
}

function search() {
  const field = document.querySelector("#hz-words") ?? document.querySelector("#hz-search");
  field?.focus();
  field?.select();
  return Boolean(field);
}

function go(letter) {
  const address = document.querySelector(`.hz-nav a[data-hz-page="${PAGES[letter]}"]`)?.href;
  if (address) location.assign(address);
}

function range(step) {
  const all = [...document.querySelectorAll(".hz-ranges a")];
  const next = all[all.findIndex((each) => each.getAttribute("aria-current")) + step];
  if (next) location.assign(next.href);
}

const KEYS = {
  "?": help,
  "/": search,
  j: () => move(1),
  k: () => move(-1),
  x: () => tick(false),
  X: () => tick(true),
  "*": tickAll,
  p: () => document.querySelector("[data-hz-pause] button")?.click(),
  ".": () => document.dispatchEvent(new Event("horizon:now")),
  "[": () => range(-1),
  "]": () => range(1),
  r: () => press(".hz-selection .hz-button-main"),
  d: () => press(".hz-selection .hz-button-danger"),
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && isTyping(event.target) && !event.target.closest("dialog")) event.target.blur();
  if (isTyping(event.target) || !isOn()) return;
  if (state.going && performance.now() - state.going < GO_SECONDS * 1000) {
    state.going = 0;
    if (Object.hasOwn(PAGES, event.key)) {
      event.preventDefault();
      return go(event.key);
    }
  }
  if (event.key === "g") state.going = performance.now();
  else if (Object.hasOwn(KEYS, event.key)) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

const opener = document.querySelector("[data-hz-keys]");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", help);
}
