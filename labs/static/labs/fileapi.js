// The files of a session's nodes over the HTTP API. Paths come from listings and go back as they came.

import { ask } from "@labs/rest.js";

export class FileApi {
  #base;
  #csrf;
  #language;

  constructor({ api, csrf, language }) {
    this.#base = api;
    this.#csrf = csrf;
    this.#language = language;
  }

  list(node, path) {
    return this.#call("GET", node, "", { path });
  }

  read(node, path) {
    return this.#call("GET", node, "/text", { path });
  }

  /** ``version`` as read, "" for a new file, "*" for whatever there is. */
  write(node, path, version, content) {
    return this.#call("PUT", node, "/content", { path, version }, content, "application/octet-stream");
  }

  makeFolder(node, path) {
    return this.#call("POST", node, "/folders", {}, JSON.stringify({ path }), "application/json");
  }

  move(node, path, target) {
    return this.#call("POST", node, "/moves", {}, JSON.stringify({ path, target }), "application/json");
  }

  remove(node, path) {
    return this.#call("DELETE", node, "", { path });
  }

  downloadAddress(node, path) {
    return this.#address(node, "/download", { path });
  }

  #address(node, door, query) {
    return `${this.#base}/nodes/${node}/files${door}?${new URLSearchParams({ ...query, lang: this.#language })}`;
  }

  /** The answer's body. Raises Refused, with the protocol's word in ``code``. */
  async #call(method, node, door, query, body, kind) {
    const address = this.#address(node, door, query);
    const answer = await ask({ address, method, content: body, kind, csrf: this.#csrf });
    return answer.body;
  }
}

/** ``name`` below the listed folder ``path``, as the API takes it; below the home while none is listed. */
export function below(path, name) {
  return path ? `${path.replace(/\/$/, "")}/${encodeURIComponent(name)}` : encodeURIComponent(name);
}
