"use strict";
// Line charts over steps. A curve's points are [first step, last step, mean] or, where several values were merged,
// [first, last, mean, least, greatest]: then a band shows the range.
const colour = (index) => `var(--c${index % 8})`;
const middle = (point) => (point[0] + point[1]) / 2;
const least = (point) => (point.length > 3 ? point[3] : point[2]);
const greatest = (point) => (point.length > 4 ? point[4] : point[2]);
const severe = (event) => event[3] !== "warn";

/// Round values between low and high, about `count` of them.
function linearTicks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) ticks.push(i * step);
  return ticks;
}

function logTicks(low, high) {
  const decades = Math.log10(high / low), ticks = [];
  const every = Math.max(1, Math.ceil(decades / 5));
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); ++power) {
    if (((power % every) + every) % every !== 0) continue;
    for (const factor of decades > 2 ? [1] : decades > 1 ? [1, 3] : [1, 1.5, 2, 3, 5, 7])
      ticks.push(factor * 10 ** power);
  }
  const inside = ticks.filter((tick) => tick >= low && tick <= high);
  return inside.length > 1 ? inside : linearTicks(low, high, 6);
}

function scaleOf(low, high, from, to, log) {
  const f = log ? Math.log : (value) => value;
  const a = f(low), b = f(high);
  return (value) => from + ((f(value) - a) / (b - a || 1)) * (to - from);
}

/// Range of the values; on a log scale of the positive ones.
function rangeOf(curves, log) {
  let low = Infinity, high = -Infinity;
  for (const curve of curves) {
    for (const point of curve.points) {
      const bottom = log && least(point) <= 0 ? point[2] : least(point);
      if (!log || bottom > 0) low = Math.min(low, bottom);
      if (!log || greatest(point) > 0) high = Math.max(high, greatest(point));
    }
  }
  if (!(high >= low)) return [log ? 0.1 : 0, 1];
  if (log) return high > low ? [low / (high / low) ** 0.04, high * (high / low) ** 0.04] : [low / 2, high * 2];
  const pad = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  return [low < 0 || low - pad > 0 ? low - pad : 0, high + pad];
}

function nearest(points, step) {
  let best = 0;
  for (let i = 1; i < points.length; ++i)
    if (Math.abs(middle(points[i]) - step) <= Math.abs(middle(points[best]) - step)) best = i;
  return points[best];
}

/// Spikes that would flatten the rest: such charts begin with a log scale.
function wantsLog(curves) {
  const means = curves.flatMap((curve) => curve.points.map((point) => point[2])).sort((a, b) => a - b);
  return means.length > 8 && means[0] > 0 && means[means.length - 1] > 40 * means[means.length >> 1];
}

function chartCard(chart, events) {
  const hidden = new Set();
  let log = wantsLog(chart.curves), pinned = null;
  const plot = el("div", {class: "plot", tabindex: 0, role: "img"});
  const tip = el("div", {class: "tip"});
  const legend = el("div", {class: "legend"});
  const positive = chart.curves.some((curve) => curve.points.some((point) => point[2] > 0));
  const card = el("figure", {class: "card"},
    el("div", {class: "head"}, el("h3", {}, chart.title),
      positive ? checkbox("log scale", log, (checked) => { log = checked; draw(); }) : null),
    plot, legend);
  plot.setAttribute("aria-label", `${chart.title}: ` + chart.curves.map((curve) => curve.latest ?
    `${curve.name} ${short(curve.points[0][2])} at step ${curve.points[0][0]}, ${short(curve.latest[1])} at step ${curve.latest[0]}` :
    `${curve.name} without finite values`).join("; "));
  let view = null;

  function drawAxes(root, area, x, y, steps, values) {
    for (const tick of values) {
      root.append(svg("line", {x1: area.left, x2: area.right, y1: y(tick), y2: y(tick), stroke: "var(--grid)"}),
        svg("text", {x: area.left - 6, y: y(tick) + 4, "text-anchor": "end"}, short(tick)));
    }
    for (const tick of steps) {
      const text = tick >= 1000 ? `${short(tick / 1000)}k` : short(tick);
      root.append(svg("text", {x: x(tick), y: area.bottom + 17, "text-anchor": "middle"}, text));
    }
    root.append(svg("line", {x1: area.left, x2: area.right, y1: area.bottom, y2: area.bottom, stroke: "var(--edge)"}));
  }

  function drawCurve(root, curve, index, x, y, area) {
    const at = (value) => Math.min(area.bottom, Math.max(area.top, y(log && value <= 0 ? area.low : value)));
    const points = curve.points.filter((point) => !log || point[2] > 0);
    const path = (ends) => ends.map(([step, value]) => `${x(step).toFixed(1)},${at(value).toFixed(1)}`).join(" ");
    if (points.some((point) => point.length > 3)) {
      const top = points.map((point) => [middle(point), greatest(point)]);
      const bottom = points.map((point) => [middle(point), least(point)]).reverse();
      root.append(svg("polygon", {points: path(top.concat(bottom)), fill: colour(index), opacity: 0.18}));
    }
    root.append(svg("polyline", {points: path(points.map((point) => [middle(point), point[2]])), fill: "none",
      stroke: colour(index), "stroke-width": 1.8, "stroke-linejoin": "round"}));
    if (points.length === 1)
      root.append(svg("circle", {cx: x(middle(points[0])), cy: at(points[0][2]), r: 3, fill: colour(index)}));
    if (curve.best) {
      const left = x(curve.best[0]) > (area.left + area.right) / 2;
      root.append(svg("circle", {cx: x(curve.best[0]), cy: at(curve.best[1]), r: 4, fill: "var(--card)",
        stroke: "var(--good)", "stroke-width": 2}),
      svg("text", {x: x(curve.best[0]) + (left ? -8 : 8), y: at(curve.best[1]) + (curve.smaller ? -10 : 22),
        "text-anchor": left ? "end" : "start", style: "fill: var(--good)"}, `best ${short(curve.best[1])}`));
    }
  }

  function drawEvents(root, x, area) {
    let last = -Infinity;
    for (const event of events) {
      const at = x(event[0]);
      if (at < area.left - 1 || at > area.right + 1 || at - last < 3) continue;
      last = at;
      const fill = severe(event) ? "var(--bad)" : "var(--warn)";
      root.append(svg("line", {x1: at, x2: at, y1: area.top, y2: area.bottom, stroke: fill, opacity: 0.45,
        "stroke-dasharray": "3 3"}),
      svg("path", {d: `M${at - 4},${area.top - 6}h8l-4,6z`, fill}, svg("title", {}, `${event[1]}: ${event[3]}`)));
    }
  }

  function draw() {
    const width = Math.max(240, plot.clientWidth), height = 216;
    const curves = chart.curves.filter((curve) => !hidden.has(curve.name) && curve.points.length > 0);
    const [low, high] = rangeOf(curves, log);
    const values = log ? logTicks(low, high) : linearTicks(low, high, 6);
    const label = Math.max(...values.map((tick) => short(tick).length), 1);
    const area = {left: label * 7 + 12, right: width - 14, top: 14, bottom: height - 24, low};
    const ends = curves.flatMap((curve) => [curve.points[0][0], curve.points[curve.points.length - 1][1]]);
    const first = Math.min(...ends), last = Math.max(...ends);
    const from = ends.length === 0 ? 0 : first < 0.1 * last ? 0 : first, to = ends.length === 0 ? 1 : Math.max(last, from + 1);
    const x = scaleOf(from, to, area.left, area.right), y = scaleOf(low, high, area.bottom, area.top, log);
    const root = svg("svg", {viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true"});
    drawAxes(root, area, x, y, linearTicks(from, to, Math.max(2, Math.round(width / 110))).filter((tick) =>
      Number.isInteger(tick)), values);
    drawEvents(root, x, area);
    chart.curves.forEach((curve, index) => { if (curves.includes(curve)) drawCurve(root, curve, index, x, y, area); });
    const cursor = svg("line", {y1: area.top, y2: area.bottom, stroke: "var(--soft)", visibility: "hidden"});
    root.append(cursor);
    plot.replaceChildren(root, tip);
    tip.hidden = true;
    view = {area, x, from, to, curves, cursor, width};
    drawLegend();
  }

  function drawLegend() {
    legend.replaceChildren(...chart.curves.map((curve, index) => {
      const bad = curve.not_finite;
      return el("button", {type: "button", "aria-pressed": String(!hidden.has(curve.name)),
        title: "show or hide", onclick: () => {
          if (!hidden.delete(curve.name)) hidden.add(curve.name);
          draw();
          legend.children[index].focus();
        }},
      el("span", {class: "swatch", style: `background: ${colour(index)}`}), `${curve.name} `,
      el("b", {}, curve.latest ? short(curve.latest[1]) : "\u2013"),
      bad ? el("span", {class: "bad"}, ` ${bad[0]} not finite, from step ${whole(bad[1])}`) : null);
    }));
  }

  /// The values at a step, beside a vertical line.
  function point(step) {
    if (!view || view.curves.length === 0) return;
    const found = nearest(view.curves.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points, step);
    pinned = middle(found);
    const at = view.x(pinned);
    view.cursor.setAttribute("x1", at);
    view.cursor.setAttribute("x2", at);
    view.cursor.setAttribute("visibility", "visible");
    const title = found[0] === found[1] ? `step ${whole(found[0])}` : `steps ${whole(found[0])} to ${whole(found[1])}`;
    const rows = view.curves.map((curve) => {
      const here = nearest(curve.points, pinned);
      return el("tr", {}, el("td", {}, el("span", {class: "swatch",
        style: `background: ${colour(chart.curves.indexOf(curve))}`}), curve.name), el("td", {}, el("b", {}, short(here[2]))),
      el("td", {class: "soft"}, here.length > 3 ? `${short(here[3])} to ${short(here[4])}` : ""));
    });
    const near = events.filter((event) => Math.abs(view.x(event[0]) - at) < 5).slice(0, 3)
      .filter((event, i, all) => all.findIndex((other) => other[1] === event[1] && other[3] === event[3]) === i);
    tip.replaceChildren(el("div", {class: "soft"}, title), el("table", {}, rows), ...near.map((event) =>
      el("div", {class: severe(event) ? "bad" : "warn"}, `${event[1]}: ${event[3]}`)));
    tip.hidden = false;
    const beside = at < view.width / 2 ? at + 10 : at - 10 - tip.offsetWidth;
    tip.style.left = `${Math.max(0, Math.min(beside, view.width - tip.offsetWidth))}px`;
  }
  function leave() {
    tip.hidden = true;
    if (view) view.cursor.setAttribute("visibility", "hidden");
  }

  plot.addEventListener("pointermove", (move) => {
    if (!view) return;
    const share = (move.clientX - plot.getBoundingClientRect().left - view.area.left) / (view.area.right - view.area.left);
    point(view.from + share * (view.to - view.from));
  });
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (key) => {
    const way = {ArrowLeft: -1, ArrowRight: 1}[key.key];
    if (!way || !view || view.curves.length === 0) return;
    key.preventDefault();
    const points = view.curves.reduce((a, b) => (b.points.length > a.points.length ? b : a)).points;
    const here = pinned === null ? points.length - 1 - Math.max(0, way) : points.indexOf(nearest(points, pinned));
    point(middle(points[Math.min(points.length - 1, Math.max(0, here + way))]));
  });
  new ResizeObserver(() => { if (!view || Math.abs(plot.clientWidth - view.width) > 1) draw(); }).observe(plot);
  return card;
}
