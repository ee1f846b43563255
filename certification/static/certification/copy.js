// Copies the link beside the button; without this script the link can be selected by hand.

const button = document.querySelector("[data-copy]");
const source = document.querySelector("[data-copy-source]");

if (button && source && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.copied;
  });
}
