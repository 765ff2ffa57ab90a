// What a bar of a chart says, beside the pointer and at once; without this script the browser's own tooltip does.

const AWAY_PX = 14;
const tip = document.createElement("div");
tip.className = "bars-tip";
tip.hidden = true;
document.body.append(tip);

function show(event) {
  const bar = event.target.closest("[data-bar]");
  tip.hidden = !bar;
  if (!bar) return;
  tip.textContent = bar.dataset.says;
  const isRight = event.clientX > innerWidth / 2;
  tip.style.left = `${event.clientX + (isRight ? -tip.offsetWidth - AWAY_PX : AWAY_PX)}px`;
  tip.style.top = `${Math.max(0, event.clientY - tip.offsetHeight / 2)}px`;
}

for (const figure of document.querySelectorAll("[data-bars]")) {
  for (const bar of figure.querySelectorAll("[data-bar]")) {
    const title = bar.querySelector("title");
    bar.dataset.says = title.textContent;
    title.remove();
  }
  figure.addEventListener("pointermove", show);
  figure.addEventListener("pointerleave", () => (tip.hidden = true));
}
