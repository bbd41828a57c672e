"use strict";
// A training run: status, figures, sample pictures, curves, events, recipe.
function header() {
  const {step, steps, finished, speed, left, wait_share: wait} = data.status;
  const share = steps > 0 ? Math.min(1, step / steps) : 0;
  const parts = [steps > 0 ? `step ${whole(step)} of ${whole(steps)} (${Math.floor(share * 100)} %)` : `step ${whole(step)}`];
  if (finished) parts.push("finished");
  else if (left) parts.push(`about ${left} left`);
  if (speed) parts.push(`${Number(speed.toPrecision(3))} steps a second`);
  if (wait) parts.push(`${wait < 0.001 ? "less than 0.1" : (wait * 100).toFixed(1)} % of the time waiting for data`);
  const written = new Date(document.lastModified);
  const follow = finished ? null : checkbox("reload every minute", location.hash === "#follow", (on) => {
    history.replaceState(null, "", on ? "#follow" : "#");
    followIfAsked();
  });
  return el("header", {},
    el("h1", {}, data.title),
    el("div", {class: "bar"}, el("span", {}, parts.join(" \u00b7 "))),
    steps > 0 ? el("div", {class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100,
      "aria-valuenow": Math.floor(share * 100), "aria-label": "steps done"},
    el("div", {style: `width: ${share * 100}%`})) : null,
    el("div", {class: "bar small soft"}, el("span", {}, `written ${written.toLocaleString()}`), follow),
    data.facts.length ? el("dl", {class: "facts small"}, data.facts.map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value)))) : null);
}

let timer = null;
function followIfAsked() {
  clearTimeout(timer);
  if (location.hash === "#follow" && !data.status.finished) timer = setTimeout(() => location.reload(), 60000);
}

function tiles() {
  const validation = data.sections.find((section) => section.title === "Validation");
  if (!validation) return null;
  const curves = validation.charts.flatMap((chart) => chart.curves).filter((curve) => curve.best);
  return el("div", {class: "tiles"}, curves.map((curve) => {
    const best = curve.best[0] === curve.latest[0];
    return el("div", {class: "card"}, el("div", {class: "soft small"}, `${curve.name}, best`),
      el("div", {class: "figure"}, short(curve.best[1])),
      el("div", {class: "soft small"}, `at step ${whole(curve.best[0])}` +
        (best ? ", the latest" : `; latest ${short(curve.latest[1])}`)));
  }));
}

/// One row's pictures: the newest cells, and what earlier steps gave.
function sampleRow(row, newest) {
  const views = row.cells.map(([name, picture]) =>
    ({name: name === row.over_time ? `${name}, step ${whole(newest)}` : name, src: pictures[picture], step: null, cell: name}));
  const strip = [];
  for (const sample of data.samples) {
    const past = sample.rows.find((other) => other.name === row.name);
    const cell = past && past.cells.find(([name]) => name === row.over_time);
    if (!cell) continue;
    let view = views.findIndex((item) => item.cell === row.over_time);
    if (sample.step !== newest) {
      view = views.length;
      views.push({name: `${cell[0]}, step ${whole(sample.step)}`, src: pictures[cell[1]], cell: null});
    }
    strip.push({step: sample.step, view, src: pictures[cell[1]]});
  }
  const result = Math.max(0, views.findIndex((view) => view.cell === row.over_time));
  const other = ["bicubic", "lr", "input", "content"].map((name) => views.findIndex((view) => view.cell === name))
    .find((index) => index >= 0);
  const compare = slider(views, other === undefined ? 0 : other, result, row.name);
  const buttons = strip.map((item) => el("button", {type: "button", "aria-pressed": String(item.view === result),
    onclick: () => {
      compare.choose(1, item.view);
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(strip[i] === item)));
    }}, el("img", {src: item.src, alt: ""}), `step ${whole(item.step)}`));
  const list = el("div", {class: "strip", role: "group", "aria-label": `${row.name} over time`}, buttons);
  new ResizeObserver(() => { list.scrollLeft = list.scrollWidth; }).observe(list);
  return el("div", {class: "card"}, el("h3", {}, row.name), list, compare.root);
}

function samples() {
  if (data.samples.length === 0) return null;
  const newest = data.samples[data.samples.length - 1];
  return el("section", {}, el("h2", {}, "Samples"),
    el("p", {class: "small soft"}, "Choose a step for the right side, or any two pictures by name, and move the divide."),
    el("div", {class: "charts samples"}, newest.rows.map((row) => sampleRow(row, newest.step))));
}

function events() {
  if (data.event_count === 0) return null;
  const shown = data.events.length;
  const rows = data.events.slice().reverse().map(([step, signal, value, action, text], index) => [
    [whole(step), "number"], signal, [short(value), "number"],
    [action, severe(data.events[shown - 1 - index]) ? "bad" : "warn"], text]);
  return el("section", {}, el("h2", {}, "Events"),
    el("div", {class: "card"},
      shown < data.event_count ? el("p", {class: "small soft"}, `the first and the last of ${whole(data.event_count)}`) : null,
      table([["step", "number"], "signal", ["value", "number"], "action", "what"], rows, "events, newest first")));
}

function charts() {
  return data.sections.map((section) => el("section", {}, el("h2", {}, section.title),
    el("div", {class: "charts"}, section.charts.map((chart) => chartCard(chart, data.events)))));
}

document.getElementById("page").replaceChildren(...[
  header(), tiles(), samples(), ...charts(), events(),
  data.left_out > 0 ? el("p", {class: "small soft"}, `${whole(data.left_out)} further scalars are in log.jsonl`) : null,
  data.recipe ? el("section", {}, el("h2", {}, "Recipe"),
    el("details", {class: "card"}, el("summary", {}, "recipe.toml, as this run resolved it"), el("pre", {}, data.recipe))) : null,
].filter(Boolean));
followIfAsked();
