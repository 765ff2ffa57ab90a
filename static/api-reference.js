// Open what a link of the API reference leads into: a browser may leave it closed.

function open() {
  const name = decodeURIComponent(location.hash.slice(1));
  const target = name && document.getElementById(name);
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.localName === "details") part.open = true;
  }
  target.scrollIntoView();
}

open();
addEventListener("hashchange", open);
