// Tables are sorted by their headings, and filtered by a text; what is folded away is printed, too.
{
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replace(/^[<[]/, "").replaceAll(",", "").replace("\u2212", "-"));
    return { text, number: /^[<[]?[-+\u2212]?[\d.]/.test(text) ? number : NaN };
  };

  // Numbers by size, texts by their letters, gaps last in both directions.
  function compare(a, b, direction) {
    if (!a.text || !b.text) return !a.text - !b.text;
    const numbers = !Number.isNaN(a.number) && !Number.isNaN(b.number);
    const order = numbers ? a.number - b.number : a.text.localeCompare(b.text, "en", { numeric: true });
    return direction * order;
  }

  function sort(table, column, head) {
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [row, value(row, column)]);
    rows.sort(([, a], [, b]) => compare(a, b, direction));
    body.append(...rows.map(([row]) => row));
    table.classList.add("sorted");
  }

  for (const button of document.querySelectorAll("thead button")) {
    const head = button.closest("th");
    button.addEventListener("click", () => sort(head.closest("table"), head.cellIndex, head));
  }

  for (const field of document.querySelectorAll("input[data-table]")) {
    const rows = [...document.getElementById(field.dataset.table).tBodies[0].rows];
    const count = document.querySelector(`[data-count="${CSS.escape(field.dataset.table)}"]`);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
    });
  }

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => opened.forEach((one) => (one.open = false)));

  for (const link of document.querySelectorAll("nav a"))
    link.addEventListener("click", () => {
      for (const one of document.querySelectorAll(`${link.getAttribute("href")} details.fold`)) one.open = true;
    });
}
