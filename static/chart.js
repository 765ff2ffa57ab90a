// Charts of the cabinet: a figure with `data-chart` is drawn from the JSON of the element that it names:
// {"x": ["2026-11-01", …], "series": [{"label": "…", "values": [1.5, …]}]}. A table beside it says the same.

import uPlot from "./vendor/uplot/uPlot.esm.min.js";

const HEIGHT_PX = 260;
const DAY_S = 86400;
const DAYS_BETWEEN_TICKS = [1, 2, 3, 7, 14, 30, 61, 91];
const COLOURS = ["--accent", "--warn", "--good", "--bad", "--literal", "--edge", "--muted"];
const FONT = "12px system-ui, sans-serif";

const language = document.documentElement.lang;
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
const fullDay = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" });
const dayLabel = new Intl.DisplayNames(language, { type: "dateTimeField" }).of("day");
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const exact = new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 4 });

/** Return a custom property as a colour that a canvas knows; it may be a light-dark(). */
function colour(property) {
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function seriesOptions({ label }, index, all, unit) {
  const stroke = colour(COLOURS[index % COLOURS.length]);
  const value = (chart, spent) => (spent == null ? "" : `${exact.format(spent)}\u00a0${unit}`);
  if (all.length > 1) return { label, stroke, value, width: 2, points: { show: false } };
  const bars = uPlot.paths.bars({ size: [0.7, 48], radius: 0.15 });
  return { label, stroke, value, fill: stroke, width: 0, paths: bars, points: { show: false } };
}

function options(data, unit, width) {
  const [muted, line] = ["--muted", "--line"].map(colour);
  const grid = { stroke: line, width: 1 };
  const axis = { stroke: muted, font: FONT, ticks: { show: false } };
  const ends = [data.x[0], data.x[data.x.length - 1]].map(secondsOf);
  return {
    width,
    height: HEIGHT_PX,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    legend: { markers: { width: 0, fill: (chart, index) => chart.series[index].stroke() } },
    scales: {
      x: { range: () => [ends[0] - DAY_S / 2, ends[1] + DAY_S / 2] },
      y: { range: (chart, least, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        incrs: DAYS_BETWEEN_TICKS.map((days) => days * DAY_S),
        space: 56,
        values: (chart, ticks) => ticks.map((at) => day.format(at * 1000)),
      },
      {
        ...axis,
        grid,
        size: 64,
        values: (chart, ticks) => ticks.map((tick) => `${number.format(tick)}\u00a0${unit}`),
      },
    ],
    series: [
      { label: dayLabel, value: (chart, at) => (at == null ? "" : fullDay.format(at * 1000)) },
      ...data.series.map((one, index, all) => seriesOptions(one, index, all, unit)),
    ],
  };
}

const secondsOf = (isoDay) => Date.parse(`${isoDay}T00:00:00Z`) / 1000;

function draw(figure) {
  const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  if (!data.x.length) return () => {};
  const columns = [data.x.map(secondsOf), ...data.series.map((one) => one.values)];
  const width = () => figure.clientWidth;
  const make = () => new uPlot(options(data, figure.dataset.unit, width()), columns, figure);
  let chart = make();
  new ResizeObserver(() => {
    if (width() !== chart.width) chart.setSize({ width: width(), height: HEIGHT_PX });
  }).observe(figure);
  return () => {
    chart.destroy();
    chart = make();
  };
}

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("./vendor/uplot/uPlot.min.css", import.meta.url);
styles.addEventListener("load", () => {
  const redraws = [...document.querySelectorAll("[data-chart]")].map(draw);
  const redraw = () => redraws.forEach((one) => one());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
});
document.head.append(styles);
