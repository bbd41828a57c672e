"use strict";
// The page's data, and helpers that build elements. All texts go in as text nodes, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const pictures = data.pictures;

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/// Four significant digits.
function short(value) {
  if (value === null || value === undefined) return "\u2013";
  if (typeof value === "string") return value;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(size >= 1000 ? 6 : 4)));
}

function whole(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function checkbox(text, checked, change) {
  const box = el("input", {type: "checkbox", onchange: () => change(box.checked)});
  box.checked = checked;
  return el("label", {class: "small soft"}, box, text);
}

/// A table of texts; cells may be [text, class].
function table(heads, rows, label) {
  const cell = (tag, item) => (Array.isArray(item) ? el(tag, {class: item[1]}, item[0]) : el(tag, {}, item));
  return el("div", {class: "scroll"},
    el("table", {class: "list", "aria-label": label},
      el("thead", {}, el("tr", {}, heads.map((head) => cell("th", head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((item) => cell("td", item)))))));
}
