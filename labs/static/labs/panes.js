// How the page is divided: the split that people drag or push with arrow keys, the tabs of a narrow window, and F6.

import { recall, remember } from "@labs/preferences.js";

const [LEAST, MOST, STEP, FIRST] = [20, 75, 2, 42];

/** The divider's place in per cent, draggable, movable with the arrow keys, remembered. */
export class Divider {
  #handle;
  #area;
  #moved;
  #key;
  #property;
  #first;

  constructor(handle, area, moved, { key = "split", property = "--split", first = FIRST } = {}) {
    this.#handle = handle;
    this.#area = area;
    this.#moved = moved;
    this.#key = key;
    this.#property = property;
    this.#first = first;
    this.place(recall(key, first));
    handle.addEventListener("keydown", (event) => this.#push(event));
    handle.addEventListener("pointerdown", (event) => this.#grab(event));
    handle.addEventListener("dblclick", () => this.#settle(first));
  }

  place(percent) {
    const kept = Math.min(MOST, Math.max(LEAST, percent));
    this.#area.style.setProperty(this.#property, `${kept}%`);
    this.#handle.setAttribute("aria-valuenow", Math.round(kept));
    return kept;
  }

  get #percent() {
    return Number(this.#handle.getAttribute("aria-valuenow"));
  }

  #settle(percent) {
    remember(this.#key, this.place(percent));
    this.#moved();
  }

  #push(event) {
    const moves = {
      ArrowLeft: this.#percent - STEP,
      ArrowRight: this.#percent + STEP,
      Home: LEAST,
      End: MOST,
      Enter: this.#first,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.#settle(moves[event.key]);
  }

  #grab(event) {
    event.preventDefault();
    this.#handle.setPointerCapture(event.pointerId);
    this.#handle.focus();
    const drag = ({ clientX }) => {
      const box = this.#area.getBoundingClientRect();
      this.place(((clientX - box.left) / box.width) * 100);
    };
    const drop = () => {
      this.#handle.removeEventListener("pointermove", drag);
      this.#settle(this.#percent);
    };
    this.#handle.addEventListener("pointermove", drag);
    this.#handle.addEventListener("lostpointercapture", drop, { once: true });
  }
}

/** Tabs after the pattern of the ARIA guide: arrow keys move and select, only the selected one is in the tab order. */
export function tabKeys(list, select) {
  list.addEventListener("keydown", (event) => {
    const tabs = [...list.querySelectorAll('[role="tab"]')];
    const at = tabs.indexOf(document.activeElement);
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 };
    if (at < 0 || !(event.key in moves)) return;
    event.preventDefault();
    const next = tabs[(moves[event.key] + tabs.length) % tabs.length];
    select(next);
    next.focus();
  });
}

/** The two halves of a narrow window; on a wide one both are visible and the tabs are not. */
export class Halves {
  #area;
  #tabs;
  #changed;

  constructor(list, area, changed) {
    this.#area = area;
    this.#tabs = [...list.querySelectorAll('[role="tab"]')];
    this.#changed = changed;
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.show(tab.dataset.half));
    tabKeys(list, (tab) => this.show(tab.dataset.half));
  }

  show(half) {
    this.#area.dataset.half = half;
    for (const tab of this.#tabs) {
      const isSelected = tab.dataset.half === half;
      tab.setAttribute("aria-selected", isSelected);
      tab.tabIndex = isSelected ? 0 : -1;
    }
    this.#changed(half);
  }
}

/** F6 and Shift+F6 walk through the panes and come back to where the focus was in each. */
export class PaneWalk {
  #panes;
  #last = new Map();

  /** ``panes``: {element, enter()} in order; ``enter`` shows and focuses one that was never focused. */
  constructor(panes) {
    this.#panes = panes;
    document.addEventListener("focusin", ({ target }) => {
      const pane = this.#paneOf(target);
      if (pane) this.#last.set(pane, target);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "F6" || event.ctrlKey || event.altKey || event.metaKey) return;
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      this.step(event.shiftKey ? -1 : 1);
    });
  }

  step(by) {
    const at = this.#panes.indexOf(this.#paneOf(document.activeElement));
    const count = this.#panes.length;
    const next = at < 0 ? (by > 0 ? 0 : count - 1) : (at + by + count) % count;
    this.enter(this.#panes[next]);
  }

  enter(pane) {
    pane.enter();
    const last = this.#last.get(pane);
    if (last?.isConnected && last.checkVisibility()) last.focus();
  }

  #paneOf(element) {
    return this.#panes.find((pane) => pane.element.contains(element)) ?? null;
  }
}
