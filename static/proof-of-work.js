// Solve a form's task in a worker while the person fills it in; a form sent earlier waits for it.

const field = document.querySelector("[data-challenge]");

if (field) {
  const form = field.form;
  const { challenge, parts, bits } = field.dataset;
  const worker = new Worker(new URL("proof-of-work-worker.js", import.meta.url));
  let isAwaited = false;

  worker.addEventListener("message", ({ data }) => {
    field.value = `${challenge} ${data.join(",")}`;
    worker.terminate();
    if (isAwaited) form.requestSubmit();
  });

  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    isAwaited = true;
    form.setAttribute("aria-busy", "true");
  });

  worker.postMessage({ challenge, parts: Number(parts), bits: Number(bits) });
}
