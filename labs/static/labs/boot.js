// Runs before anything else of the lab page. A machine that starts containers changes its networks, and a browser on it
// then drops what it was loading: the page would stand there without life. It loads itself anew, a few times at most.

const RELOADS = "yunlian.reloads";
const MOST = 4;
const PAUSE_MS = 400;

window.addEventListener(
  "error",
  ({ target }) => {
    if (!(target instanceof HTMLScriptElement || target instanceof HTMLLinkElement)) return;
    const reloads = Number(sessionStorage.getItem(RELOADS));
    if (reloads >= MOST) return;
    sessionStorage.setItem(RELOADS, reloads + 1);
    setTimeout(() => window.location.reload(), PAUSE_MS * (reloads + 1));
  },
  true,
);

// Said by session.js once the page is alive.
document.addEventListener("labready", () => sessionStorage.removeItem(RELOADS));
