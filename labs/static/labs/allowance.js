// What is left of the amount of which least is left, as the server last said.

/** Shows the first of ``allowances`` of a session's body; nothing where no amount is limited. */
export function drawAllowance(allowances) {
  const [tightest] = allowances;
  document.getElementById("lab-allowance").hidden = !tightest;
  document.getElementById("lab-allowance-left").textContent = tightest?.left_words ?? "";
}
