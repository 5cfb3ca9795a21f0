// Looks every few seconds whether the mailed link has signed this browser in, in another tab, and goes on then.
// Without scripts the page waits, and the reader goes on in the tab that the link opened.

const EVERY_MS = 3000;
const LONGEST_MS = 35 * 60 * 1000;

const started = Date.now();
const { status } = document.querySelector("script[data-status]").dataset;

async function look() {
  if (Date.now() - started > LONGEST_MS) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(status, { credentials: "same-origin", headers: { Accept: "application/json" } });
      const said = answer.ok ? await answer.json() : {};
      if (said.authenticated) {
        location.replace(said.next);
        return;
      }
    } catch {
      // The network is away; it may be back at the next look.
    }
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);
