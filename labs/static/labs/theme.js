// The terminal's colours, read from the style sheet's tokens so that they follow light and dark.

const TOKENS = {
  background: "--terminal-paper",
  foreground: "--terminal-ink",
  cursor: "--terminal-cursor",
  cursorAccent: "--terminal-paper",
  selectionBackground: "--terminal-selection",
};
const ANSI = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
for (const name of ANSI) {
  TOKENS[name] = `--ansi-${name}`;
  TOKENS[`bright${name[0].toUpperCase()}${name.slice(1)}`] = `--ansi-bright-${name}`;
}

/** An xterm theme of the tokens as they are now inside ``element``. */
export function themeIn(element) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const theme = {};
  for (const [name, token] of Object.entries(TOKENS)) {
    probe.style.color = `var(${token})`;
    theme[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return theme;
}

/** The family that code is set in, resolved. */
export function codeFontIn(element) {
  const probe = document.createElement("code");
  probe.hidden = true;
  element.append(probe);
  const family = getComputedStyle(probe).fontFamily;
  probe.remove();
  return family;
}

/** Calls ``changed`` whenever the person or the system switches between light and dark. */
export function onThemeChange(changed) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
