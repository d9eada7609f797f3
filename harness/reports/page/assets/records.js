// A record: where it comes from, the command that makes it again, and the scores of each image.
const dialog = document.getElementById("record");

function openRecord(id) {
  const record = DATA.records[id];
  if (!record) return false;
  const close = html("button", { type: "button", class: "close" }, "Close");
  close.addEventListener("click", () => dialog.close());
  const said = (places) => places.map((at) => DATA.texts[at]);
  const checkout = "commit" in record ? `git checkout ${DATA.texts[record.commit]}\n` : "";
  const facts = said(record.facts).map((text, n) => html(n % 2 ? "dd" : "dt", {}, text));
  dialog.replaceChildren(
    html("h2", { id: "record-title" }, `${record.label}: ${id}`),
    close,
    html("pre", { class: "command", tabindex: "0", "aria-label": "The command that makes it again" },
      checkout + said(record.command).join(" ")),
    html("dl", {}, ...facts),
    ...(record.remarks || []).map((text) => html("p", { class: "remark" }, text)),
    ...record.scores.map(scoresOf));
  hideTip();
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  history.replaceState(null, "", `#record-${encodeURIComponent(id)}`);
  return true;
}

function scoresOf([at, meanPsnr, meanSsim, images]) {
  const set = DATA.sets[at];
  const digits = (at) => images.slice(3 * at, 3 * at + 3);
  const psnr = (text) => (text === "zzz" ? "inf" : (parseInt(text, 36) / 100).toFixed(2));
  const ssim = (text) => ((parseInt(text, 36) - 10000) / 10000).toFixed(4);
  const rows = DATA.names[set.images].map((name, n) => html("tr", {},
    html("th", { scope: "row" }, name),
    html("td", { class: "n" }, psnr(digits(2 * n))),
    html("td", { class: "n" }, ssim(digits(2 * n + 1)))));
  const heads = ["Image", "PSNR (dB)", "SSIM"].map((head, n) =>
    html("th", { scope: "col", ...(n && { class: "n" }) }, head));
  return html("details", rows.length > 20 ? {} : { open: "" },
    html("summary", {}, `${set.set}: ${meanPsnr} dB / ${meanSsim}, ${rows.length} images`),
    html("p", { class: "remark" }, `${set.lr}; pixels SHA-256 ${set.sha256}`),
    html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows)));
}

// Open the record that an address ends in, such as #record-awsrn-x2-s0-b0d6d041b483.
function openFrom(address) {
  const [, id] = /^#record-(.+)$/.exec(address) || [];
  return Boolean(id) && openRecord(decodeURIComponent(id));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#record-']");
  if (link && openFrom(link.hash)) event.preventDefault();
});
dialog.addEventListener("close", () => history.replaceState(null, "", "#"));
addEventListener("hashchange", () => openFrom(location.hash));
openFrom(location.hash);
