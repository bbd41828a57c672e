"use strict";
// Two pictures on one place with a movable divide. `views` are {name, src}; both sides can be chosen by name. The range
// input that lies over the pictures brings mouse, touch and keyboard.
function slider(views, left, right, label) {
  const images = [el("img", {alt: "", draggable: "false"}), el("img", {alt: "", draggable: "false"})];
  const tags = [el("span", {class: "tag left"}), el("span", {class: "tag right"})];
  const line = el("div", {class: "line"});
  const range = el("input", {type: "range", min: 0, max: 1000, value: 500});
  const frame = el("div", {class: "frame"}, images, line, tags, range);
  const selects = [0, 1].map((side) =>
    el("select", {onchange: () => choose(side, selects[side].selectedIndex)}));
  const root = el("div", {class: "slider"},
    el("div", {class: "choice"}, el("label", {}, "left ", selects[0]), el("label", {}, "right ", selects[1])), frame);

  function move() {
    const share = range.value / 10;
    images[1].style.clipPath = `inset(0 0 0 ${share}%)`;
    line.style.left = `${share}%`;
  }
  function choose(side, index) {
    if (!views[index]) return;
    selects[side].selectedIndex = index;
    images[side].src = views[index].src;
    images[side].alt = views[index].name;
    tags[side].textContent = views[index].name;
    const names = selects.map((select) => (views[select.selectedIndex] || views[0]).name);
    range.setAttribute("aria-label", `${label}: divide between ${names[0]} and ${names[1]}`);
  }
  /// Other pictures under names that may stay the same.
  function show(next, first, second) {
    views = next;
    for (const select of selects) select.replaceChildren(...views.map((view) => el("option", {}, view.name)));
    choose(0, first);
    choose(1, second);
  }
  // Small pictures are enlarged by a whole factor, large ones stay within the page.
  images[0].addEventListener("load", () => {
    const {naturalWidth: width, naturalHeight: height} = images[0];
    frame.style.width = `${width * Math.max(1, Math.round(480 / Math.max(width, height)))}px`;
  });
  range.addEventListener("input", move);
  show(views, left, right);
  move();
  return {root, choose, show, chosen: () => selects.map((select) => select.selectedIndex)};
}
