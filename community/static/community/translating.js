// The translation editor's addresses, which its own template would write into an inline script.

const urls = document.querySelector("[data-chooser-urls]").dataset;
window.chooserUrls ??= {
  imageChooser: urls.image,
  documentChooser: urls.document,
  pageChooser: urls.page,
};
