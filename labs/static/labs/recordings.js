// Plays one terminal's recording. The list beside it jumps to where a check changed: the file's own markers.

import { create } from "asciinema-player";

const { source, trouble } = JSON.parse(document.getElementById("recording-data").textContent);
const place = document.getElementById("recording-player");

const player = create(source, place, {
  fit: "width",
  idleTimeLimit: 2,
  preload: true,
  terminalFontFamily: getComputedStyle(place).fontFamily,
  theme: "asciinema",
});

player.addEventListener("error", () => {
  document.getElementById("recording-trouble").textContent = trouble;
});

for (const button of document.querySelectorAll("[data-mark]")) {
  button.addEventListener("click", async () => {
    await player.seek({ marker: Number(button.dataset.mark) });
    place.scrollIntoView({ block: "nearest" });
  });
}
