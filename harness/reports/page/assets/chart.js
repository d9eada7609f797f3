"use strict";
// A chart: axes with ticks in an SVG of the width that there is, so that letters keep their size.

const DATA = JSON.parse(document.getElementById("data").textContent);
const MARKS = {
  "published": "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
  "re-scored": "M-4.6 -4.6H4.6V4.6H-4.6Z",
  "own": "M0 -6.2L6.2 0L0 6.2L-6.2 0Z",
};

function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function linearTicks(low, high, most) {
  const rough = (high - low) / most;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * size).find((n) => n >= rough);
  const ticks = [];
  for (let n = Math.ceil(low / step); n * step <= high + step / 1e6; n++) ticks.push(n * step);
  return ticks;
}

function logTicks(low, high, most) {
  const all = (steps) => {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const n of steps) ticks.push(n * 10 ** power);
    return ticks.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
  };
  return [[1, 2, 3, 5], [1, 3], [1]].map(all).find((ticks) => ticks.length <= most) || all([1]);
}

function shortNumber(value) {
  return Number(value.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

// An axis: the range of some values with a margin, on a line of pixels.
function scale(values, from, to, { log = false, most = 6 } = {}) {
  const f = log ? Math.log : (x) => x;
  const back = log ? Math.exp : (x) => x;
  let low = f(Math.min(...values)), high = f(Math.max(...values));
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  low -= margin;
  high += margin;
  const at = (value) => from + ((f(value) - low) / (high - low)) * (to - from);
  at.ticks = (log ? logTicks : linearTicks)(back(low), back(high), most);
  if (at.ticks.length < 2) at.ticks = linearTicks(back(low), back(high), most);
  return at;
}

// Draw both axes, and return where points go and the element that they go into.
function axes(place, { xs, ys, xLog, yLog, xName, yName, height, xTicks, name }) {
  const width = place.dataset.printWidth ? Number(place.dataset.printWidth) : place.clientWidth || 640;
  const left = 52, right = 12, top = 20, bottom = 42;
  const x = scale(xs, left, width - right, { log: xLog, most: width < 480 ? 5 : 9 });
  const y = scale(ys, height - bottom, top, { log: yLog });
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": name });
  for (const tick of y.ticks) {
    root.append(svg("path", { class: "rule", d: `M${left} ${y(tick)}H${width - right}` }));
    root.append(svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, shortNumber(tick)));
  }
  for (const [index, tick] of (xTicks ? xTicks.map((_, n) => n + 1) : x.ticks).entries()) {
    root.append(svg("path", { class: "rule", d: `M${x(tick)} ${top}V${height - bottom}` }));
    const text = xTicks ? xTicks[index] : shortNumber(tick);
    root.append(svg("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" }, text));
  }
  root.append(svg("path", { class: "axis", d: `M${left} ${top}V${height - bottom}H${width - right}` }));
  root.append(svg("text", { x: 2, y: 11 }, yName));
  root.append(
    svg("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xName));
  place.replaceChildren(root);
  return { root, x, y, width, height, left, right, top, bottom };
}

// Draw now, whenever the width changes, and for paper.
function keepDrawn(place, draw) {
  let width = -1;
  new ResizeObserver(() => {
    if (place.clientWidth !== width) {
      width = place.clientWidth;
      draw();
    }
  }).observe(place);
  draw();
  addEventListener("beforeprint", () => {
    place.dataset.printWidth = "640";
    draw();
  });
  addEventListener("afterprint", () => {
    delete place.dataset.printWidth;
    draw();
  });
}

const tip = document.getElementById("tip");

function showTip(element, lines) {
  tip.replaceChildren(...lines.filter(Boolean).map((line) => html("p", {}, line)));
  tip.hidden = false;
  const at = element.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const left = Math.min(Math.max(4, at.right + 8), innerWidth - own.width - 4);
  const below = at.bottom + 8 + own.height < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? at.bottom + 8 : Math.max(4, at.top - own.height - 8)}px`;
}

function hideTip() {
  tip.hidden = true;
}
