// The form works without this; with it, files can be dropped and QR codes read from pictures or the camera.

const LONGEST_SIDE = 1600;

const form = document.querySelector("[data-verify]");

let library;

/** The QR reader, loaded when first needed. */
function reader() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = form.dataset.jsqr;
    script.onload = () => resolve(window.jsQR);
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

/** The text in the QR code of an image, video frame or bitmap; empty when there is none. */
async function codeIn(source, width, height) {
  const jsQR = await reader();
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  return jsQR(pixels.data, pixels.width, pixels.height)?.data ?? "";
}

function say(words) {
  form.querySelector("[data-said]").textContent = words;
}

function submit(text) {
  form.elements.file.value = "";
  form.elements.asked.value = text;
  form.requestSubmit();
}

async function readPicture(file) {
  const said = form.querySelector("[data-said]").dataset;
  say("");
  let found = "";
  try {
    const bitmap = await createImageBitmap(file);
    found = await codeIn(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
  } catch {
    found = "";
  }
  if (found) {
    submit(found);
  } else {
    say(said.nothing);
  }
}

function takeFile(file) {
  if (file.type.startsWith("image/")) {
    readPicture(file);
    return;
  }
  const files = new DataTransfer();
  files.items.add(file);
  form.elements.asked.value = "";
  form.elements.file.files = files.files;
  form.requestSubmit();
}

function offerDropping() {
  const drop = form.querySelector("[data-drop]");
  form.querySelector("[data-drop-hint]").hidden = false;
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("dropping");
    });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("dropping"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("dropping");
    const [file] = event.dataTransfer.files;
    if (file) {
      takeFile(file);
    } else if (event.dataTransfer.getData("text")) {
      submit(event.dataTransfer.getData("text"));
    }
  });
}

async function scan(view) {
  const video = view.querySelector("video");
  const said = form.querySelector("[data-said]").dataset;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    say(said.refused);
    return;
  }
  let looking = true;
  const stop = () => {
    looking = false;
    stream.getTracks().forEach((track) => track.stop());
    view.hidden = true;
    say("");
  };
  view.querySelector("[data-camera-stop]").onclick = stop;
  view.hidden = false;
  say(said.looking);
  video.srcObject = stream;
  await video.play();
  while (looking) {
    const found = video.videoWidth ? await codeIn(video, video.videoWidth, video.videoHeight) : "";
    if (found) {
      stop();
      submit(found);
      return;
    }
    await new Promise(requestAnimationFrame);
  }
}

function offerScanning() {
  const part = form.querySelector("[data-scan]");
  part.hidden = false;
  part.querySelector("[data-picture]").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) {
      readPicture(file);
    }
  });
  if (navigator.mediaDevices?.getUserMedia) {
    part.querySelector("[data-camera-offer]").hidden = false;
    part.querySelector("[data-camera]").addEventListener("click", () => {
      scan(part.querySelector("[data-camera-view]"));
    });
  }
}

if (form) {
  offerDropping();
  offerScanning();
}
