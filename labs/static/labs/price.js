// What the session has cost so far: as the server last said, going on at the hourly price until it says more.

const LOOK_MS = 10_000;
const HOUR_MS = 3_600_000;

let price = null;
let saidAt = 0;

function inDigits(amount) {
  return amount.toFixed(amount > 0 && amount < 0.01 ? 4 : 2);
}

function draw() {
  const place = document.getElementById("lab-price");
  place.hidden = price === null;
  if (price === null) return;
  const sign = price.so_far.replace(/[\d.]+$/, "");
  const amount = Number(price.amount) + (Number(price.hourly) * (Date.now() - saidAt)) / HOUR_MS;
  document.getElementById("lab-price-so-far").textContent = sign + inDigits(amount);
}

/** Shows ``said`` of a session's body; nothing where nothing costs. */
export function drawPrice(said) {
  price = said;
  saidAt = Date.now();
  draw();
}

setInterval(draw, LOOK_MS);
