"use strict";
// Results side by side: figures, and each picture under a slider with magnified areas.
const names = data.names.concat([data.reference]);

/// As many decimals in every row of a column.
function fixed(value) {
  if (typeof value !== "number") return short(value);
  return value.toFixed(Math.abs(value) >= 10 ? 2 : 4);
}

/// Cells of figures, a row a result, with the best of each column marked.
function figureRows(figures) {
  const size = (value) => (value === "inf" ? Infinity : value);
  return figures.map((row, i) => [data.names[i]].concat(row.map((value, k) => {
    const sign = data.columns[k].smaller ? -1 : 1;
    const best = value !== null && figures.every((other) => other[k] === null || sign * size(other[k]) <= sign * size(value));
    return [fixed(value), best && figures.length > 1 ? "number best" : "number"];
  })));
}

function figureTable(figures, label) {
  const heads = ["result"].concat(data.columns.map((column) => [column.name + (column.smaller ? " \u2193" : " \u2191"), "number"]));
  return table(heads, figureRows(figures), label);
}

function pictureCard(row) {
  const views = (view) => view.pictures.map((picture, i) => ({name: names[i], src: pictures[picture]}));
  const start = data.names.length > 1 ? [0, 1] : [0, names.length - 1];
  const compare = slider(views(row.views[0]), start[0], start[1], row.name);
  const buttons = row.views.map((view, index) => el("button", {type: "button", "aria-pressed": String(index === 0),
    onclick: () => {
      compare.show(views(view), ...compare.chosen());
      compare.root.classList.toggle("pixels", index > 0);
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    }},
  index === 0 ? "whole picture" : el("div", {class: "cells"}, view.pictures.map((picture, i) =>
    el("figure", {}, el("img", {src: pictures[picture], alt: `${names[i]}, ${view.label}`, loading: "lazy"}),
      el("figcaption", {}, names[i]))))));
  const areas = row.views.length > 1 ? "Areas where they differ most; choose one for the slider." : "No differences.";
  return el("section", {}, el("h2", {}, row.name),
    el("div", {class: "row wide"},
      el("div", {class: "card"}, compare.root),
      el("div", {class: "card"}, figureTable(row.figures, `figures of ${row.name}`),
        el("p", {class: "small soft"}, areas), el("div", {class: "crops"}, buttons))));
}

/// All pictures' figures, also of those that aren't shown.
function allFigures() {
  const heads = ["picture"].concat(data.names.flatMap((name) => data.columns.map((column) => [`${name} ${column.name}`, "number"])));
  const rows = data.rows.map((row) => {
    const cells = figureRows(row.figures);
    return [row.name].concat(cells.flatMap((cell) => cell.slice(1)));
  });
  return el("details", {class: "card"}, el("summary", {}, `figures of all ${data.rows.length} pictures`),
    table(heads, rows, "figures of all pictures"));
}

const shown = data.rows.filter((row) => row.views);
document.getElementById("page").replaceChildren(
  el("header", {}, el("h1", {}, data.title),
    el("p", {class: "soft"}, `${data.rows.length} pictures` +
      (shown.length < data.rows.length ? `, the first ${shown.length} of them shown` : ""))),
  el("section", {}, el("h2", {}, "Means"), el("div", {class: "card"}, figureTable(data.means, "mean figures")), allFigures()),
  ...(data.failures.length ? [el("section", {}, el("h2", {}, "Left out"),
    el("div", {class: "card bad small"}, data.failures.map((text) => el("p", {}, text))))] : []),
  ...shown.map(pictureCard));
