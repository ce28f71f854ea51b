"use strict";
// Puts each sample of the run in its place. Text only: nothing that arrives becomes markup.
const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const rates = [];

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

function draw(perSecond) {
  rates.push(perSecond);
  if (rates.length > 240) rates.shift();
  const most = Math.max(1, ...rates);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "plot");
  svg.setAttribute("viewBox", "0 0 720 200");
  svg.setAttribute("role", "img");
  const add = (name, attributes, text) => {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    if (text) part.textContent = text;
    svg.append(part);
  };
  add("title", {}, "events per second");
  // A round step, so that at most five lines are labelled.
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size * 4 >= most);
  const top = Math.ceil(most / step) * step;
  const short = new Intl.NumberFormat("en", { notation: "compact" });
  const height = (rate) => 165 - 150 * rate / top;
  for (let rate = 0; rate <= top * 1.001; rate += step) {
    add("path", { class: "grid", d: `M60 ${height(rate).toFixed(1)}L720 ${height(rate).toFixed(1)}` });
    add("text", { x: 52, y: height(rate) + 4, "text-anchor": "end" }, short.format(rate));
  }
  const place = (rate, i) => `${(60 + i * 660 / 239).toFixed(1)} ${height(rate).toFixed(1)}`;
  add("path", { class: "line s0", d: "M" + rates.map(place).join("L") });
  // A sample every half second.
  for (let s = 0; s <= 120; s += 30) {
    add("text", { x: 60 + s * 5.5, y: 184, "text-anchor": s === 120 ? "end" : "middle" }, `${s} s`);
  }
  byId("rate").replaceChildren(svg);
}

function shards(events) {
  const most = Math.max(1, ...events);
  byId("shards").replaceChildren(...events.map((n, i) => {
    const line = make("p", `${i}: ${n.toLocaleString("en")} `);
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
source.onmessage = (event) => {
  failures = 0;
  const sample = JSON.parse(event.data);
  byId("state").textContent = sample.state;
  byId("progress").value = sample.ended ? 1 : sample.share;
  for (const [id, text] of Object.entries(sample.figures)) byId(id).textContent = text;
  fill(byId("latency"), sample.latency);
  fill(byId("metrics"), sample.metrics);
  shards(sample.shard_events);
  draw(sample.events_per_s);
  if (sample.ended) {
    checks(sample.checks);
    source.close();
  }
};
source.onerror = () => {
  failures += 1;
  if (failures < 2) return;
  byId("state").textContent = "The run has ended or cannot be reached; these are the last figures.";
  source.close();
};
