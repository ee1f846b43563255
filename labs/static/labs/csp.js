// xterm.js writes <style> elements and, for true colour in its DOM renderer, style attributes. Our Content Security
// Policy allows style elements with this page's nonce and no style attribute at all; here both are made to fit.

/** Style elements created from now on carry this page's nonce, and style attributes are set through the CSSOM. */
export function fitStylesToPolicy() {
  const nonce = document.querySelector("script[nonce]")?.nonce ?? "";
  const create = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const element = create(name, options);
    if (element.localName === "style") element.nonce = nonce;
    return element;
  };
  const setAttribute = HTMLSpanElement.prototype.setAttribute;
  HTMLSpanElement.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
