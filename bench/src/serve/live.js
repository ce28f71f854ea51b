"use strict";
// Puts each sample of the run in its place, and draws what was so far. Text only: nothing that arrives becomes
// markup.
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
/** Points that are kept; with more, every second one goes. */
const MOST_POINTS = 800;
/** Lines of a plot; more cannot be told apart. */
const MOST_LINES = 8;
let points = [];

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function fill(table, rows) {
  const body = make("tbody");
  for (const cells of rows) {
    const row = make("tr");
    cells.forEach((cell, i) => row.append(make("td", cell, i ? "figure" : "")));
    body.append(row);
  }
  table.tBodies[0].replaceWith(body);
}

const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const plain = (value) => value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(0) : short.format(value);

function span(ns) {
  const units = [[86400e9, "d"], [3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
  const [size, name] = units.find(([unit]) => ns >= unit) ?? units[6];
  return `${Number((ns / size).toPrecision(3))} ${name}`;
}

/** A step of 1, 2 or 5 times a power of ten, so that at most `lines` of them reach `most`. */
function step(most, lines) {
  const power = 10 ** Math.floor(Math.log10(most / lines));
  return [1, 2, 5, 10].map((digit) => digit * power).find((size) => size * lines >= most);
}

/**
 * Draws lines of [x, y] as a plot. `bands` are shaded: { from, to, text }.
 */
function plot(place, { title, lines, end, across, up, bands = [] }) {
  const [left, right, top, bottom] = [76, 940, 14, 214];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "plot");
  svg.setAttribute("viewBox", `0 0 950 ${lines.length > 1 ? 268 : 248}`);
  svg.setAttribute("role", "img");
  const add = (name, attributes, text) => {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    if (text !== undefined) part.textContent = text;
    svg.append(part);
    return part;
  };
  add("title", {}, title);
  const shown = lines.slice(0, MOST_LINES).filter(({ at }) => at.length > 0);
  const most = Math.max(1e-12, ...shown.flatMap(({ at }) => at.map(([, y]) => y)));
  const high = step(most, 4);
  const ceiling = Math.ceil(most / high - 1e-9) * high;
  const x = (value) => left + (right - left) * value / end;
  const y = (value) => bottom - (bottom - top) * value / ceiling;
  for (const { from, to, text } of bands) {
    if (from >= end) continue;
    const width = Math.max(1.5, x(Math.min(end, to ?? end)) - x(from));
    const band = add("rect", { class: "band", x: x(from), y: top, width, height: bottom - top });
    band.append(document.createElementNS(SVG, "title"));
    band.firstChild.textContent = text;
  }
  for (let value = 0; value <= ceiling * 1.001; value += high) {
    add("path", { class: "grid", d: `M${left} ${y(value).toFixed(1)}L${right} ${y(value).toFixed(1)}` });
    add("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, up(value));
  }
  const wide = step(end, 6);
  for (let value = 0; value <= end * 1.001; value += wide) {
    add("text", { x: x(value), y: bottom + 18, "text-anchor": value > end * 0.97 ? "end" : "middle" }, across(value));
  }
  shown.forEach(({ at }, i) => {
    const path = at.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`);
    add("path", { class: `line s${i}`, d: `M${path.join("L")}` });
  });
  let along = left;
  if (lines.length > 1) {
    shown.forEach(({ name }, i) => {
      add("path", { class: `line s${i}`, d: `M${along} ${bottom + 36}h26` });
      add("text", { x: along + 32, y: bottom + 40 }, name);
      along += 52 + 7.2 * name.length;
    });
  }
  place.replaceChildren(svg);
}

function remember(point) {
  const last = points[points.length - 1];
  if (last && point.wall_s <= last.wall_s) return;
  points.push(point);
  if (points.length >= MOST_POINTS) points = points.filter((_, i) => i % 2 === 0);
}

function draw() {
  const wall = Math.max(10, ...points.map((point) => point.wall_s));
  plot(byId("rate"), {
    title: "events per second", end: wall, across: (s) => span(s * 1e9), up: plain,
    lines: [{ name: "events", at: points.map((point) => [point.wall_s, point.events_per_s]) }],
  });
  const box = byId("plots");
  const drawn = points.filter((point) => point.virtual_ns > 0);
  if (drawn.length < 2) return;
  box.hidden = false;
  byId("no-plots").hidden = true;
  const end = Math.max(1, drawn[drawn.length - 1].virtual_ns);
  const bands = JSON.parse(box.dataset.faults);
  byId("faults-note").hidden = bands.length === 0;
  const common = { end, across: span, bands };
  const names = (of) => [...new Set(drawn.flatMap((point) => Object.keys(point[of])))];
  const quantiles = ["median", "90 %", "99 %"];
  const latencies = names("latency_ns").flatMap((name) => quantiles.map((quantile, i) => ({
    name: `${name}, ${quantile}`,
    at: drawn.filter((point) => point.latency_ns[name]).map((point) => [point.virtual_ns, point.latency_ns[name][i]]),
  })));
  byId("percentiles").parentElement.hidden = latencies.length === 0;
  plot(byId("percentiles"), { ...common, title: "latency percentiles", up: span, lines: latencies });
  plot(byId("kinds"), { ...common, title: "messages by kind", up: plain, lines: kinds(drawn, names("messages")) });
  metric(drawn, names("metrics"), common);
}

/** What was sent between two points, per second of virtual time; the most frequent kinds first. */
function kinds(drawn, names) {
  const rate = (name) => drawn.slice(1).map((point, i) => {
    const seconds = Math.max(1, point.virtual_ns - drawn[i].virtual_ns) / 1e9;
    return [point.virtual_ns, Math.max(0, point.messages[name] - (drawn[i].messages[name] ?? 0)) / seconds];
  });
  const last = drawn[drawn.length - 1].messages;
  const sent = names.filter((name) => last[name] > 0).sort((a, b) => last[b] - last[a]);
  return sent.map((name) => ({ name, at: rate(name) }));
}

/** The metric that is chosen; those that stay 0 are not offered. */
function metric(drawn, names, common) {
  const choice = byId("chosen");
  const told = names.filter((name) => drawn.some((point) => point.metrics[name] > 0));
  const offered = [...choice.options].map((option) => option.value);
  for (const name of told) if (!offered.includes(name)) choice.append(new Option(name));
  choice.closest("figure").hidden = choice.options.length === 0;
  if (!choice.value) return;
  const at = drawn.map((point) => [point.virtual_ns, point.metrics[choice.value] ?? 0]);
  plot(byId("metric"), { ...common, title: choice.value, up: plain, lines: [{ name: choice.value, at }] });
}

function shards(events) {
  const most = Math.max(1, ...events), sum = Math.max(1, events.reduce((a, b) => a + b, 0));
  byId("shards").replaceChildren(...events.map((n, i) => {
    const line = make("p", `shard ${i}: ${n.toLocaleString("en")} events, ${(100 * n / sum).toFixed(1)} % `);
    const meter = make("meter");
    meter.max = most;
    meter.value = n;
    line.append(meter);
    return line;
  }));
}

function checks(list) {
  const figure = (value) => value === null ? "no number" : value.toLocaleString("en");
  byId("checks").replaceChildren(...list.map((check) => {
    const verdict = check.ok ? "ok" : check.expected_violation ? "beyond bound" : "VIOLATED";
    return make("p", `${verdict}: ${check.name}: ${figure(check.measured)}, expected ${figure(check.expected)}`);
  }));
  if (list.length === 0) byId("checks").replaceChildren(make("p", "This run had nothing to check."));
}

const source = new EventSource("/events");
// Long connections are ended, and made again by the browser; if that fails, the run has ended.
let failures = 0;
let over = false;
source.onmessage = (event) => {
  failures = 0;
  const sample = JSON.parse(event.data);
  if (sample.history) sample.history.forEach(remember);
  remember(sample.point);
  byId("state").textContent = sample.state;
  byId("progress").value = sample.ended ? 1 : sample.share;
  for (const [id, text] of Object.entries(sample.figures)) byId(id).textContent = text;
  fill(byId("latency"), sample.latency);
  fill(byId("metrics"), sample.metrics);
  shards(sample.shard_events);
  draw();
  theMap.update(sample.map, faultsAt(sample.virtual_ns));
  byId("report").hidden = !sample.report;
  if (sample.ended) {
    checks(sample.checks);
    over = true;
    source.close();
  }
};
source.onerror = () => {
  failures += 1;
  if (failures < 2) return;
  if (!over) byId("state").textContent = "The run has ended or cannot be reached; these are the last figures.";
  source.close();
};
byId("chosen").addEventListener("change", draw);
