// Answers as the page holds them: read out of a question's fields and put back into them, by the kind of the question.

const fields = (section) => section.querySelectorAll("input, select, textarea");

/** What a field is called inside its question: ``q3-left1`` is ``left1`` of ``q3``. */
const partOf = (section, field) => field.name.slice(section.dataset.name.length + 1);

/** ``{part: value}`` of every filled field with a part. */
function parts(section) {
  const found = {};
  for (const field of fields(section)) {
    const part = partOf(section, field);
    if (part && field.value.trim()) found[part] = field.value;
  }
  return found;
}

const filled = (name, values) => (Object.keys(values).length ? { [name]: values } : null);
const checked = (section) => [...section.querySelectorAll("input:checked")].map((field) => field.value);
const only = (section) => section.querySelector("input, textarea");
const words = (name) => ({
  read: (section) => (only(section).value.trim() ? { [name]: only(section).value } : null),
  write: (section, answer) => {
    only(section).value = answer?.[name] ?? "";
  },
});

function writeParts(section, values) {
  for (const field of fields(section)) field.value = values?.[partOf(section, field)] ?? "";
}

function check(section, values) {
  for (const field of fields(section)) field.checked = values.includes(field.value);
}

const KINDS = {
  single: {
    read: (section) => (checked(section).length ? { choice: checked(section)[0] } : null),
    write: (section, answer) => check(section, answer ? [answer.choice] : []),
  },
  multiple: {
    read: (section) => (checked(section).length ? { choices: checked(section) } : null),
    write: (section, answer) => check(section, answer?.choices ?? []),
  },
  true_false: {
    read: (section) => (checked(section).length ? { value: checked(section)[0] === "true" } : null),
    write: (section, answer) => check(section, answer ? [String(answer.value)] : []),
  },
  numeric: {
    read: (section) => {
      const { value, unit } = parts(section);
      return value ? { value, unit: unit ?? "" } : null;
    },
    write: (section, answer) => writeParts(section, answer),
  },
  short_text: words("text"),
  essay: words("text"),
  code: words("source"),
  matching: {
    read: (section) => filled("pairs", parts(section)),
    write: (section, answer) => writeParts(section, answer?.pairs),
  },
  cloze: {
    read: (section) => filled("gaps", parts(section)),
    write: (section, answer) => writeParts(section, answer?.gaps),
  },
  ordering: {
    read: (section) => {
      const places = Object.entries(parts(section)).sort((one, other) => Number(one[1]) - Number(other[1]));
      const order = places.filter(([, place], at) => place !== places[at - 1]?.[1]).map(([item]) => item);
      return order.length ? { order } : null;
    },
    write: (section, answer) => {
      const places = Object.fromEntries((answer?.order ?? []).map((item, at) => [item, String(at + 1)]));
      writeParts(section, places);
    },
  },
};

export const read = (section) => KINDS[section.dataset.kind].read(section);
export const write = (section, answer) => KINDS[section.dataset.kind].write(section, answer);
