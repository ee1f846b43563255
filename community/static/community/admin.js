// Date choosers and inline panels of Wagtail's administration without inline scripts, so that its policy needs no exception for them.

function start(place) {
  for (const mark of place.querySelectorAll("[data-own-chooser]")) {
    const input = document.getElementById(mark.dataset.for);
    const chooser = window[mark.dataset.ownChooser];
    if (!input || !chooser || !document.contains(mark)) continue;
    mark.remove();
    chooser(mark.dataset.for, JSON.parse(mark.dataset.config));
  }
}

function startPanels(place) {
  for (const mark of place.querySelectorAll("[data-own-panel]")) {
    const Panel = window[mark.dataset.ownPanel];
    if (!Panel) continue;
    mark.remove();
    new Panel(JSON.parse(mark.dataset.config));
  }
}

document.addEventListener("DOMContentLoaded", () => {
  start(document);
  startPanels(document);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (!(node instanceof Element)) continue;
        start(node.parentElement ?? node);
        startPanels(node.parentElement ?? node);
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
});
