// CodeMirror as this product sets it up; loaded when the first file is opened.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { nginx } from "@codemirror/legacy-modes/mode/nginx";
import { properties } from "@codemirror/legacy-modes/mode/properties";
import { shell } from "@codemirror/legacy-modes/mode/shell";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const LANGUAGES = [
  [/\.(sh|bash)$|^\.?(bashrc|profile|bash_profile)$/, () => StreamLanguage.define(shell)],
  [/\.py$/, python],
  [/\.json$/, json],
  [/\.ya?ml$/, yaml],
  [/\.(js|mjs|cjs)$/, javascript],
  [/nginx.*\.conf$|^nginx/, () => StreamLanguage.define(nginx)],
  [/\.(conf|cfg|ini|toml|properties|env)$/, () => StreamLanguage.define(properties)],
];

function languageOf(name, text) {
  const found = LANGUAGES.find(([pattern]) => pattern.test(name));
  if (found) return [found[1]()];
  if (/^#!.*\b(sh|bash)\b/.test(text)) return [StreamLanguage.define(shell)];
  if (/^#!.*\bpython/.test(text)) return [python()];
  return [];
}

/** A view of ``text``; ``changed`` is called after every change of it. */
export function makeView({ parent, text, name, label, save, changed }) {
  const usesTabs = /^\t/m.test(text) || /^[Mm]akefile/.test(name);
  const extensions = [
    EditorView.cspNonce.of(document.querySelector("script[nonce]")?.nonce ?? ""),
    lineNumbers(),
    highlightSpecialChars(),
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of(usesTabs ? "\t" : /\.py$/.test(name) ? "    " : "  "),
    bracketMatching(),
    highlightSelectionMatches(),
    syntaxHighlighting(classHighlighter),
    EditorView.contentAttributes.of({ "aria-label": label }),
    keymap.of([
      { key: "Mod-s", run: () => (save(), true), preventDefault: true },
      indentWithTab,
      ...defaultKeymap,
      ...historyKeymap,
      ...searchKeymap,
    ]),
    EditorView.updateListener.of((update) => update.docChanged && changed()),
    languageOf(name, text),
  ];
  return new EditorView({ parent, state: EditorState.create({ doc: text, extensions }) });
}
