// Two of the images of a detail, one over the other; a handle says where they meet.
for (const figure of document.querySelectorAll(".compare")) {
  const stack = figure.querySelector(".stack");
  const images = [...stack.querySelectorAll("img")];
  const handle = figure.querySelector("input[type=range]");
  const selects = [...figure.querySelectorAll("select")];

  images.forEach((image, n) => (image.style.order = n)); // on paper all of them stand side by side

  const choose = () => {
    const [left, right] = selects.map((select) => images[Number(select.value)]);
    for (const image of images) {
      image.classList.toggle("left", image === left);
      image.classList.toggle("right", image === right && image !== left);
    }
    stack.prepend(left);
    stack.classList.add("live");
  };
  handle.addEventListener("input", () => stack.style.setProperty("--at", `${handle.value}%`));
  for (const select of selects) select.addEventListener("change", choose);
  choose();
}
