// A request of a list opens beside it, in a panel that holds its page, with the page's address; any other way of
// opening the link stays.

const panel = document.getElementById("side-panel");
const shown = document.getElementById("side-panel-shown");
const whole = document.getElementById("side-panel-page");
const listAddress = location.href;

async function open(address) {
  const response = await fetch(address);
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  shown.replaceChildren(...page.querySelector("main").childNodes);
  whole.href = address;
  history.replaceState(null, "", address); // not pushState: Back would show the list's address and this page
  panel.showModal();
  panel.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-beside]");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain) return;
  event.preventDefault();
  open(link.href).catch(() => location.assign(link.href));
});
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close(); // outside of what it shows
});
panel.addEventListener("close", () => history.replaceState(null, "", listAddress));
whole.addEventListener("click", () => history.replaceState(null, "", listAddress));
document.getElementById("side-panel-close").addEventListener("click", () => panel.close());
