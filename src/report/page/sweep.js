"use strict";
// A search for hyper-parameters: status, best so far, ranked table, parameters against the metric, curves over the
// rungs, repeats, the best recipe.
const good = data.ranked.filter((trial) => trial.value !== null);
const failed = data.ranked.filter((trial) => trial.value === null);

function header() {
  const parts = [`${whole(data.ranked.length)} of ${whole(data.trials)} trials judged`];
  if (failed.length) parts.push(`${failed.length} failed`);
  if (data.finished) parts.push("finished");
  const steps = data.best.length ? data.best[data.best.length - 1][0] : 0;
  if (steps) parts.push(`${whole(steps)} steps in all`);
  return el("header", {}, el("h1", {}, data.title),
    el("div", {class: "bar"}, el("span", {}, parts.join(" \u00b7 "))),
    el("div", {class: "bar small soft"}, `written ${new Date(document.lastModified).toLocaleString()}`),
    el("dl", {class: "facts small"}, data.facts.map(([name, value]) =>
      el("div", {}, el("dt", {}, name), el("dd", {}, value)))));
}

function tile(label, figure, note) {
  return el("div", {class: "card"}, el("div", {class: "soft small"}, label), el("div", {class: "figure"}, figure),
    el("div", {class: "soft small"}, note));
}

function spread() {
  const values = data.repeats.map(([, value]) => value).filter((value) => value !== null);
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return {count: values.length, mean, deviation: Math.sqrt(variance)};
}

function tiles() {
  if (good.length === 0) return null;
  const [best] = good, repeats = spread();
  return el("div", {class: "tiles"},
    tile(`${data.metric}, best`, short(best.value), `trial ${best.number} after ${whole(best.steps)} steps`),
    repeats ? tile(`its repeats with other seeds`, `${short(repeats.mean)}` +
      (repeats.count > 1 ? ` \u00b1 ${short(repeats.deviation)}` : ""), `mean of ${repeats.count}` +
      (repeats.count > 1 ? " and standard deviation" : "")) : null);
}

function ranked() {
  if (data.ranked.length === 0) return null;
  const heads = [["rank", "number"], ["trial", "number"], [data.metric, "number"], ["steps", "number"],
    ...data.parameters.map((parameter) => [parameter.key, "number"]), ["seconds", "number"], "what came of it"];
  const rows = data.ranked.map((trial, index) => [
    [String(index + 1), "number"], [String(trial.number), "number"],
    [short(trial.value), index === 0 && trial.value !== null ? "number best" : "number"],
    [whole(trial.steps), "number"], ...trial.values.map((value) => [value, "number"]),
    [short(trial.seconds), "number"],
    trial.value === null ? [`failed: ${trial.failure}`, "bad"] : trial.at_end ? "all steps" : "stopped at a rung"]);
  return el("section", {}, el("h2", {}, "Trials"), el("div", {class: "card"}, table(heads, rows, "trials, best first")));
}

function bestSoFar() {
  if (data.best.length === 0) return null;
  const points = data.best.map(([step, value]) => [step, step, value]);
  return chartCard({title: `best ${data.metric} so far, over the steps of all trials`,
    curves: [{name: data.metric, points, latest: data.best[data.best.length - 1]}]}, []);
}

/// Room for a plot with round values at its sides; `draw` puts marks into it.
function plotCard(title, xs, ys, note, draw) {
  const plot = el("div", {class: "plot", role: "img", "aria-label": title});
  let drawn = 0;
  const redraw = () => {
    const width = Math.max(240, plot.clientWidth), height = 216;
    drawn = width;
    const labels = ys.ticks.map((tick) => short(tick));
    const area = {left: Math.max(...labels.map((label) => label.length), 1) * 7 + 12, right: width - 14, top: 14,
      bottom: height - 24};
    const x = scaleOf(xs.low, xs.high, area.left, area.right, xs.log), y = scaleOf(ys.low, ys.high, area.bottom, area.top);
    const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, height});
    ys.ticks.forEach((tick, i) => root.append(
      svg("line", {x1: area.left, x2: area.right, y1: y(tick), y2: y(tick), stroke: "var(--grid)"}),
      svg("text", {x: area.left - 6, y: y(tick) + 4, "text-anchor": "end"}, labels[i])));
    xs.ticks.forEach((tick, i) => root.append(svg("text", {x: x(tick), y: area.bottom + 17, "text-anchor": "middle"},
      xs.names ? xs.names[i] : short(tick))));
    root.append(svg("line", {x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom, stroke: "var(--edge)"}));
    draw(root, x, y, area);
    plot.replaceChildren(root);
  };
  new ResizeObserver(() => { if (Math.abs(plot.clientWidth - drawn) > 1) redraw(); }).observe(plot);
  return el("figure", {class: "card"}, el("div", {class: "head"}, el("h3", {}, title)), plot,
    el("div", {class: "small soft"}, note));
}

function axis(values, log) {
  const curve = {points: values.map((value) => [0, 0, value])};
  const [low, high] = rangeOf([curve], log);
  return {low, high, log, ticks: log ? logTicks(low, high) : linearTicks(low, high, 5)};
}

/// Where a trial stands on a parameter's axis.
function placeOf(parameter, index, trial) {
  return parameter.list ? parameter.names.indexOf(trial.values[index]) : Number(trial.values[index]);
}

function parameterCard(parameter, index) {
  const all = parameter.list ? {low: -0.5, high: parameter.names.length - 0.5, log: false,
    ticks: parameter.names.map((_, i) => i), names: parameter.names} :
    axis(data.ranked.map((trial) => placeOf(parameter, index, trial)), parameter.log);
  const ys = axis(good.map((trial) => trial.value), false);
  return plotCard(parameter.key, all, ys, `${data.metric} where each trial ended; filled: after all steps` +
    (failed.length ? "; crosses: failed" : ""), (root, x, y, area) => {
    for (const trial of data.ranked.slice().reverse()) {
      const at = x(placeOf(parameter, index, trial));
      const title = svg("title", {}, `trial ${trial.number}: ${parameter.key} ${trial.values[index]}, ` +
        (trial.value === null ? `failed: ${trial.failure}` : `${data.metric} ${short(trial.value)} after ${whole(trial.steps)} steps`));
      if (trial.value === null)
        root.append(svg("path", {d: `M${at - 4},${area.bottom - 10}l8,8m0,-8l-8,8`, stroke: "var(--bad)",
          "stroke-width": 1.8, fill: "none"}, title));
      else
        root.append(svg("circle", {cx: at, cy: y(trial.value), r: trial === good[0] ? 5.5 : 4,
          fill: trial.at_end ? (trial === good[0] ? "var(--good)" : "var(--c0)") : "var(--card)",
          stroke: trial === good[0] ? "var(--good)" : "var(--c0)", "stroke-width": 1.8}, title));
    }
  });
}

function rungCard() {
  const curves = data.ranked.filter((trial) => trial.judged.length > 0);
  const steps = [...new Set(curves.flatMap((trial) => trial.judged.map(([step]) => step)))].sort((a, b) => a - b);
  const log = steps.length > 2;
  const low = log ? steps[0] / 1.3 : 0, high = steps[steps.length - 1] * (log ? 1.3 : 1.05);
  const ys = axis(curves.flatMap((trial) => trial.judged.map(([, value]) => value)), false);
  return plotCard(`${data.metric} over the rungs`, {low, high, log, ticks: steps}, ys,
    "a line a trial, over steps; green: the best", (root, x, y) => {
      for (const trial of curves.slice().reverse()) {
        const best = trial === good[0], stroke = best ? "var(--good)" : trial.value === null ? "var(--bad)" : "var(--c0)";
        const title = () => svg("title", {}, `trial ${trial.number}: ` +
          data.parameters.map((parameter, i) => `${parameter.key} ${trial.values[i]}`).join(", "));
        root.append(svg("polyline", {points: trial.judged.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`)
          .join(" "), fill: "none", stroke, "stroke-width": best ? 2.6 : 1.4, opacity: best ? 1 : 0.7}, title()));
        for (const [step, value] of trial.judged)
          root.append(svg("circle", {cx: x(step), cy: y(value), r: 3, fill: stroke}, title()));
      }
    });
}

function repeats() {
  if (data.repeats.length === 0) return null;
  const rows = data.repeats.map(([seed, value, failure]) => [[seed, "number"], [short(value), "number"],
    failure ? [`failed: ${failure}`, "bad"] : ""]);
  return el("section", {}, el("h2", {}, "The best again with other seeds"), el("div", {class: "card"},
    table([["train.seed", "number"], [data.metric, "number"], ""], rows, "repeats")));
}

document.getElementById("page").replaceChildren(...[
  header(), tiles(),
  good.length ? el("section", {}, el("h2", {}, "Search"), el("div", {class: "charts"}, bestSoFar(), rungCard())) : null,
  ranked(),
  good.length ? el("section", {}, el("h2", {}, "Parameters"),
    el("div", {class: "charts"}, data.parameters.map(parameterCard))) : null,
  repeats(),
  data.recipe ? el("section", {}, el("h2", {}, "The best recipe"),
    el("details", {class: "card"}, el("summary", {}, "best.toml"), el("pre", {}, data.recipe))) : null,
].filter(Boolean));
