"use strict";
// Unpacks what the page carries of a run: a header and columns of integers, little-endian, gzipped, in base64.

const NONE = 0xffffffff;

/** The header of a run, with its columns as typed arrays by name; times in ns, as numbers. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(plain).arrayBuffer();
  const view = new DataView(buffer);
  const length = view.getUint32(0, true);
  const run = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  if (run.format !== 1) throw new Error(`format ${run.format}: made by another version`);
  let at = 4 + length;
  run.column = {};
  for (const { name, width, count } of run.columns) {
    run.column[name] = column(buffer.slice(at, at + width * count), width, count);
    at += width * count;
  }
  return run;
}

function column(buffer, width, count) {
  if (width === 1) return new Uint8Array(buffer);
  if (width === 2) return new Uint16Array(buffer);
  const words = new Uint32Array(buffer);
  if (width === 4) return words;
  const longs = new Float64Array(count);
  // Exact up to 2^53 ns, 104 days.
  for (let i = 0; i < count; i++) longs[i] = words[2 * i + 1] * 4294967296 + words[2 * i];
  return longs;
}

/** A span of virtual time for people. */
function span(ns, digits = 3) {
  const units = [[86400e9, "d"], [3600e9, "h"], [60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
  const [size, name] = units.find(([unit]) => Math.abs(ns) >= unit) ?? units[6];
  return `${Number((ns / size).toPrecision(digits))} ${name}`;
}

/** An instant, in a unit and with decimals that suit the whole that is played. */
function instant(ns, whole) {
  const [size, name] = whole >= 1e9 ? [1e9, "s"] : whole >= 1e6 ? [1e6, "ms"] : [1e3, "µs"];
  const decimals = Math.max(0, Math.min(6, Math.ceil(Math.log10(size / (whole / 5000)))));
  return `${(ns / size).toFixed(decimals)} ${name}`;
}

/** An exact instant: nanoseconds in groups of three after the point. */
function exact(ns) {
  const whole = Math.floor(ns / 1e9);
  const rest = String(Math.round(ns - whole * 1e9)).padStart(9, "0");
  return `${whole.toLocaleString("en")}.${rest.slice(0, 3)} ${rest.slice(3, 6)} ${rest.slice(6)} s`;
}

const counted = (n) => n.toLocaleString("en");

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}
