// PSNR over what networks cost: points with a name, a source and a budget each.
{
  const place = document.getElementById("pareto");
  const scales = document.getElementById("plot-scale");
  const sets = document.getElementById("plot-set");
  const axis = document.getElementById("plot-axis");
  const boxes = [...document.querySelectorAll("[data-kind]")];
  const known = (keys, text) => Object.fromEntries(
    text.split("|").map((value, n) => [keys[n], value]).filter(([, value]) => value));
  const all = DATA.plot.points.map((one) => ({
    records: [], ...one, kind: DATA.plot.kinds[one.kind], psnr: known(DATA.plot.sets, one.psnr),
    ssim: known(DATA.plot.sets, one.ssim), costs: known(DATA.plot.axes, one.costs),
    source: DATA.plot.texts[one.of[0]], budget: DATA.plot.texts[one.of[1]],
  }));
  let current = "";

  const unique = (values) => [...new Set(values)];
  const fill = (select, values, text) =>
    select.replaceChildren(...values.map((value) => html("option", { value }, text(value))));

  fill(scales, unique(all.map((one) => one.scale)).sort((a, b) => a - b), (value) => `x${value}`);
  fill(axis, DATA.plot.axes, (value) => value);

  function fillSets() {
    const before = sets.value;
    const ofScale = all.filter((one) => String(one.scale) === scales.value);
    const names = unique(ofScale.flatMap((one) => Object.keys(one.psnr)));
    fill(sets, names, (value) => value);
    if (names.includes(before)) sets.value = before;
  }

  const psnr = (one) => parseFloat(one.psnr[sets.value]);
  const cost = (one) => parseFloat(one.costs[axis.value].replaceAll(",", ""));
  const keyOf = (one) => `${one.kind} ${one.label} ${one.source} ${one.budget}`;

  function chosen() {
    const kinds = boxes.filter((box) => box.checked).map((box) => box.dataset.kind);
    return all
      .filter((one) => String(one.scale) === scales.value && kinds.includes(one.kind))
      .filter((one) => sets.value in one.psnr && axis.value in one.costs)
      .sort((a, b) => cost(a) - cost(b) || psnr(a) - psnr(b));
  }

  function lines(one) {
    const ssim = one.ssim[sets.value] ? ` / ${one.ssim[sets.value]}` : "";
    const costs = Object.entries(one.costs).filter(([name]) => !name.startsWith("Latency"));
    const latency = axis.value.startsWith("Latency") ? [[axis.value, one.costs[axis.value]]] : [];
    return [
      `${one.label} (${one.kind}${one.short ? ", short budget" : ""})`,
      `${one.psnr[sets.value]} dB${ssim} on ${sets.value} x${one.scale}`,
      [...costs, ...latency].map(([name, value]) => `${name}: ${value}`).join("; "),
      `Budget: ${one.budget}`,
      `Source: ${one.source}`,
    ];
  }

  function front(points) {
    let best = -Infinity;
    return points.filter((one) => {
      const doubted = one.psnr[sets.value].includes("\u2020");
      if (one.kind !== "published" || doubted || psnr(one) <= best) return false;
      best = psnr(one);
      return true;
    });
  }

  function draw() {
    const points = chosen();
    if (!points.length) {
      place.replaceChildren(html("p", { class: "remark" }, "Nothing is known here."));
      return;
    }
    const chart = axes(place, {
      xs: points.map(cost), ys: points.map(psnr), xLog: true,
      xName: `${axis.value.split(":")[0]}, logarithmic`, yName: `PSNR on ${sets.value} x${scales.value} (dB)`,
      height: 440, name: "PSNR over cost; arrow keys go from point to point",
    });
    const path = front(points).map((one) => `${chart.x(cost(one))} ${chart.y(psnr(one))}`);
    if (path.length > 1) chart.root.append(svg("path", { class: "front", d: `M${path.join("L")}` }));
    const names = svg("g", { "aria-hidden": "true" });
    chart.root.append(names, ...points.map((one) => mark(one, chart)));
    writeNames(points, chart, names);
    const first = points.find((one) => keyOf(one) === current) || points[0];
    chart.root.querySelectorAll(".point")[points.indexOf(first)].setAttribute("tabindex", "0");
  }

  function mark(one, chart) {
    const label = lines(one).join(". ");
    const point = svg(
      "g",
      {
        class: `point ${one.kind}${one.short ? " short" : ""}`, tabindex: "-1", role: "button",
        transform: `translate(${chart.x(cost(one))} ${chart.y(psnr(one))})`, "aria-label": label,
      },
      svg("path", { d: MARKS[one.kind] }));
    point.dataset.label = one.label;
    point.addEventListener("pointerenter", () => showTip(point, lines(one)));
    point.addEventListener("pointerleave", hideTip);
    point.addEventListener("focus", () => enter(point, one));
    point.addEventListener("blur", hideTip);
    point.addEventListener("click", () => one.records.length && openRecord(one.records[0]));
    return point;
  }

  function enter(point, one) {
    current = keyOf(one);
    for (const other of place.querySelectorAll(".point")) other.setAttribute("tabindex", "-1");
    point.setAttribute("tabindex", "0");
    showTip(point, lines(one));
  }

  // Names go beside their points where nothing else is; the others are told by the tip.
  function writeNames(points, chart, names) {
    const taken = points.map((one) => {
      const x = chart.x(cost(one)), y = chart.y(psnr(one));
      return [x - 6, y - 6, x + 6, y + 6];
    });
    const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    const order = [...points].sort((a, b) => rank(a) - rank(b));
    for (const one of order) {
      const x = chart.x(cost(one)), y = chart.y(psnr(one));
      const name = svg("text", { class: one.family ? "family" : "other" }, one.label);
      names.append(name);
      const width = name.getComputedTextLength();
      const spots = [
        [x + 8, y + 4], [x - 8 - width, y + 4], [x - width / 2, y - 9], [x - width / 2, y + 18],
        [x + 6, y - 7], [x + 6, y + 16], [x - 6 - width, y - 7], [x - 6 - width, y + 16],
      ];
      const spot = spots.find(([left, base]) => {
        const box = [left, base - 10, left + width, base + 3];
        const inside = box[0] > chart.left && box[2] < chart.width && box[1] > chart.top - 4
          && box[3] < chart.height - chart.bottom;
        return inside && !taken.some((other) => meets(box, other));
      });
      if (!spot) {
        name.remove();
        continue;
      }
      taken.push([spot[0], spot[1] - 10, spot[0] + width, spot[1] + 3]);
      name.setAttribute("x", spot[0]);
      name.setAttribute("y", spot[1]);
    }
  }

  const rank = (one) => (one.kind === "own" ? 0 : one.kind === "published" ? 1 : 2) - (one.family ? 0.5 : 0);

  place.addEventListener("keydown", (event) => {
    const points = [...place.querySelectorAll(".point")];
    const at = points.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (at < 0) return;
    if (step) {
      event.preventDefault();
      points[(at + step + points.length) % points.length].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      document.activeElement.dispatchEvent(new MouseEvent("click"));
    } else if (event.key === "Escape") {
      hideTip();
    }
  });
  scales.addEventListener("change", () => {
    fillSets();
    draw();
  });
  for (const control of [sets, axis, ...boxes]) control.addEventListener("change", draw);
  fillSets();
  keepDrawn(place, draw);
}
