// What this browser remembers: per person in localStorage, per visit in sessionStorage. Both may be forbidden.

function read(store, key) {
  try {
    return JSON.parse(window[store].getItem(key));
  } catch {
    return null;
  }
}

function write(store, key, value) {
  try {
    window[store].setItem(key, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows the page; it only forgets.
  }
}

export const recall = (key, otherwise) => read("localStorage", `yunlian.${key}`) ?? otherwise;
export const remember = (key, value) => write("localStorage", `yunlian.${key}`, value);
export const recallHere = (key, otherwise) => read("sessionStorage", `yunlian.${key}`) ?? otherwise;
export const rememberHere = (key, value) => write("sessionStorage", `yunlian.${key}`, value);
