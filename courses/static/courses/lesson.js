// Copy buttons of code blocks, and the outline folded away where there is no room beside the text.

for (const button of document.querySelectorAll("[data-copy]")) {
  const figure = button.closest("figure");
  const label = button.textContent;
  const status = figure.querySelector("[role=status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    let said = button.dataset.copied;
    try {
      await navigator.clipboard.writeText(figure.querySelector("code").textContent);
    } catch {
      getSelection().selectAllChildren(figure.querySelector("code"));
      said = button.dataset.failed;
    }
    button.textContent = said;
    status.textContent = said;
    setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 2500);
  });
}

const fold = document.querySelector("[data-fold]");
const wide = matchMedia("(min-width: 62rem)");
const follow = () => {
  fold.open = wide.matches;
};
if (fold) {
  follow();
  wide.addEventListener("change", follow);
}

if (location.hash === "#done") document.getElementById("done")?.focus();
