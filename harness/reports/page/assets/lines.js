// Curves of trainings, and learned weights over depth.
{
  const COLOURS = 6;
  const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
  const look = (index) => ({
    class: `line c${index % COLOURS}`, "stroke-dasharray": DASHES[index % DASHES.length],
  });
  const along = (chart, xs, ys) => xs.map((x, n) => `${chart.x(x)} ${chart.y(ys[n])}`).join("L");
  const mean = (rows) => rows[0].map((_, n) => rows.reduce((sum, row) => sum + row[n], 0) / rows.length);

  function legend(names) {
    const items = names.map((name, index) => html(
      "span", {}, svg("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" },
        svg("path", { ...look(index), d: "M0 6H32" })), ` ${name}`));
    return html("div", { class: "legend chart" }, ...items);
  }

  function timeUnit(longest) {
    return [["h", 3600], ["min", 60]].find(([, size]) => longest >= 2 * size) || ["s", 1];
  }

  function drawPanel(place, panel, over) {
    const rows = panel.rows;
    const [unit, size] = over === "seconds"
      ? timeUnit(Math.max(...rows.flatMap((row) => row.seconds))) : ["", 1];
    const xsOf = (row) => row[over].map((x) => x / size);
    const chart = axes(place, {
      xs: rows.flatMap(xsOf), ys: rows.flatMap((row) => [...row.low, ...row.high]),
      yLog: panel.log && rows.every((row) => row.low.every((value) => value > 0)),
      xName: over === "steps" ? "steps" : `time (${unit})`, yName: panel.of, height: 240, name: panel.of,
    });
    chart.root.setAttribute("role", "img");
    rows.forEach((row, index) => {
      const xs = xsOf(row);
      const back = along(chart, [...xs].reverse(), [...row.high].reverse());
      chart.root.append(
        svg("path", { class: `band c${index % COLOURS}`, d: `M${along(chart, xs, row.low)}L${back}Z` }),
        svg("path", { ...look(index), d: `M${along(chart, xs, row.mean)}` },
          svg("title", {}, row.label)));
    });
  }

  for (const place of document.querySelectorAll("[data-curves]")) {
    const curves = DATA.curves[place.dataset.curves];
    const select = place.closest("figure").querySelector(".curve-axis");
    const panels = curves.panels.map(() => html("div", { class: "chart" }));
    place.replaceChildren(legend(curves.panels[0].rows.map((row) => row.label)), ...panels);
    const draw = () => panels.forEach((one, n) => drawPanel(one, curves.panels[n], select.value));
    select.addEventListener("change", draw);
    keepDrawn(place, draw);
  }

  function drawLambdas(place, panel) {
    const lines = [...panel.res, ...panel.x];
    const depths = panel.res[0].map((_, n) => n + 1);
    const chart = axes(place, {
      xs: depths, ys: lines.flat().concat(1), xName: `${panel.of}, by depth`, yName: "learned weight",
      height: 220, name: `Learned weights by depth of the ${panel.of}`,
      xTicks: depths.length <= 6 ? depths.map(String) : undefined,
    });
    chart.root.setAttribute("role", "img");
    chart.root.append(svg("path", { class: "start", d: `M${chart.left} ${chart.y(1)}H${chart.width - chart.right}` }));
    for (const [index, runs] of [panel.res, panel.x].entries()) {
      for (const run of runs) {
        const line = { ...look(index), class: `line thin c${index}` };
        chart.root.append(svg("path", { ...line, d: `M${along(chart, depths, run)}` }));
      }
      const middle = mean(runs);
      chart.root.append(svg("path", { ...look(index), d: `M${along(chart, depths, middle)}` }));
      middle.forEach((value, n) => chart.root.append(svg("circle", {
        class: `c${index}`, r: 2.5, cx: chart.x(depths[n]), cy: chart.y(value) },
      svg("title", {}, `${index ? "\u03bbx" : "\u03bbres"} ${n + 1}: ${value.toFixed(4)}`))));
    }
  }

  function drawAlpha(place, one) {
    const start = 1 / one.branches.length;
    const places = one.branches.map((_, n) => n + 1);
    const chart = axes(place, {
      xs: [0.5, one.branches.length + 0.5], ys: one.alpha.flat().concat(0, start), xTicks: one.branches,
      xName: "branch", yName: "\u03b1", height: 220, name: "Learned weights of the branches",
    });
    chart.root.setAttribute("role", "img");
    const half = (chart.x(2) - chart.x(1)) * 0.3;
    mean(one.alpha).forEach((value, n) => {
      const x = chart.x(places[n]);
      chart.root.append(svg("path", {
        class: "bar c0", d: `M${x - half} ${chart.y(0)}V${chart.y(value)}H${x + half}V${chart.y(0)}Z` },
      svg("title", {}, `${one.branches[n]}: ${value.toFixed(4)}`)));
      for (const run of one.alpha)
        chart.root.append(svg("path", {
          class: "c1", d: `M${x - 4} ${chart.y(run[n]) - 4}l8 8m0 -8l-8 8` }));
    });
    chart.root.append(svg("path", { class: "start", d: `M${chart.left} ${chart.y(start)}H${chart.width - chart.right}` }));
  }

  for (const place of document.querySelectorAll("[data-learned]")) {
    const one = DATA.learned[place.dataset.learned];
    const panels = one.panels.map((panel) => [html("div", { class: "chart" }), (of) => drawLambdas(of, panel)]);
    if (one.branches.length)
      panels.push([html("div", { class: "chart" }), (of) => drawAlpha(of, one)]);
    const names = one.panels.length ? [legend(["\u03bbres", "\u03bbx"])] : [];
    place.replaceChildren(...names, ...panels.map(([panel]) => panel));
    keepDrawn(place, () => panels.forEach(([panel, draw]) => draw(panel)));
  }
}
