// The page's words, rendered by the server in its language; the scripts hold none of their own.

const words = JSON.parse(document.getElementById("lab-words").textContent);

/** The words called ``name`` with ``{placeholders}`` filled in; ``{count}`` picks between one and many. */
export function say(name, values = {}) {
  const entry = words[name];
  const pattern = typeof entry === "object" ? (values.count === 1 ? entry.one : entry.many) : entry;
  if (pattern === undefined) throw new Error(`no words called ${name}`);
  return pattern.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}
