// The page that `anthill playback` makes, played, sought, stepped and clicked in a browser.
"use strict";
const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

/** What the page says of itself. */
const told = (page) => page.evaluate(() => {
  const { time, playing, runs } = window.anthillPlayback;
  const of = ({ messages, nodes, onTheWay, states, chosen }) => ({ messages, nodes, onTheWay, states, chosen });
  return { time, playing, runs: runs.map(of) };
});

const ready = (page) => page.waitForFunction(() => window.anthillPlayback, undefined, { timeout: 60_000 });
const details = (page) => page.locator(".details").first().innerText();

function made(anthill, scratch, name, flags) {
  const directory = path.join(scratch, name);
  execFileSync(anthill, ["run", ...flags, "--out", directory, "--progress", "off"]);
  return directory;
}

function pageOf(anthill, directory, flags = []) {
  execFileSync(anthill, ["playback", directory, "--progress", "off", ...flags]);
  return pathToFileURL(path.join(directory, "playback.html")).href;
}

/** Plays, pauses, seeks on the line of time, steps with the keys. */
async function played(page) {
  const before = await told(page);
  assert.equal(before.playing, false, "nothing plays by itself");
  await page.click("#play");
  await page.waitForFunction((from) => window.anthillPlayback.time > from, before.time, { timeout: 60_000 });
  await page.keyboard.press("Escape");
  await page.click("#play");
  assert.equal((await told(page)).playing, false);

  const line = await page.locator("#timeline").boundingBox();
  await page.mouse.click(line.x + line.width / 2, line.y + line.height / 2);
  const middle = await told(page);
  const share = await page.evaluate(() => {
    const { from, to } = window.anthillPlayback;
    return (window.anthillPlayback.time - from) / (to - from);
  });
  assert.ok(Math.abs(share - 0.5) < 0.01, `the middle of the line is ${share} of the time`);
  assert.ok(middle.runs[0].states.reached > 1, JSON.stringify(middle.runs[0].states));

  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("ArrowRight");
  const stepped = await told(page);
  assert.ok(stepped.time > middle.time && stepped.runs[0].chosen.message >= 0, "a step chooses a message");
  const text = await details(page);
  for (const part of ["from", "to", "sent", "arrives", "handled", "data"]) {
    assert.ok(text.includes(part), `${part} of the message is told: ${text}`);
  }
  await page.keyboard.press("ArrowLeft");
  assert.ok((await told(page)).time < stepped.time, "a step back");
  await page.keyboard.press("Home");
  assert.equal((await told(page)).runs[0].states.reached, 1, "at the start, the origin alone");
  await page.keyboard.press("End");
  assert.equal((await told(page)).runs[0].states["not reached"], 0, "at the end, everybody");
}

/** Clicks a node, and a message on its way; hides a kind. */
async function clicked(page) {
  await page.evaluate(() => {
    const { from, to } = window.anthillPlayback;
    window.anthillPlayback.seek(from + (to - from) * 0.2);
  });
  const node = await page.evaluate(() => window.anthillPlayback.runs[0].place({ node: 17 }));
  await page.mouse.click(node.x, node.y);
  assert.equal((await told(page)).runs[0].chosen.node, 17);
  assert.match(await details(page), /^Node 17\n/);
  assert.ok((await details(page)).includes("informed, at the end"), await details(page));

  // One that is not over a node.
  const flying = await page.evaluate(() => {
    const [run] = window.anthillPlayback.runs;
    return run.flying.slice(0, 200).map((message) => ({ message, ...run.place({ message }) }));
  });
  assert.ok(flying.length > 0, "messages are on their way");
  let found = -1;
  for (const { message, x, y } of flying) {
    await page.mouse.click(x, y);
    const { chosen } = (await told(page)).runs[0];
    if (chosen.message === message) { found = message; break; }
  }
  assert.ok(found >= 0, "a click chooses the message under it");
  assert.match(await details(page), /^Message data\n/);
  await page.keyboard.press("Escape");
  assert.deepEqual((await told(page)).runs[0].chosen, { node: -1, message: -1 });

  const reached = (await told(page)).runs[0].states.reached;
  await page.click(".kind");
  assert.equal((await told(page)).runs[0].states.reached, 0, "without its kind nobody is reached");
  await page.click(".kind");
  assert.equal((await told(page)).runs[0].states.reached, reached);
}

async function fits(page) {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 1000 });
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(excess <= 0, `${excess} pixels too wide at ${width}`);
  }
}

/** One run, in both themes. */
async function one(browser, open, anthill, scratch) {
  const flags = ["gossip", "--nodes", "300", "--set", "network.preset=aws-p50"];
  const directory = made(anthill, scratch, "played", flags);
  const url = pageOf(anthill, directory);
  execFileSync(anthill, ["report", directory]);
  const report = fs.readFileSync(path.join(directory, "report.html"), "utf8");
  assert.ok(report.includes("href=\"playback.html\""), "the report leads to it");
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await open(browser, url, { colorScheme });
    await ready(page);
    await played(page);
    await clicked(page);
    await fits(page);
    await close();
  }
  return url;
}

/** An attack beside the same run without it: one clock for both. */
async function two(browser, open, anthill, scratch) {
  const flags = ["dolev-strong", "--until", "20s"];
  const honest = made(anthill, scratch, "honest", flags);
  const attacked = made(anthill, scratch, "attacked", [...flags, "--set", "adversary.kind=equivocating-sender"]);
  const out = path.join(scratch, "beside.html");
  execFileSync(anthill, ["playback", attacked, "--beside", honest, "--out", out, "--progress", "off"]);
  const { page, close } = await open(browser, pathToFileURL(out).href);
  await ready(page);
  await page.keyboard.press("End");
  const end = await told(page);
  assert.equal(end.runs.length, 2);
  assert.ok(end.runs[0].states["held by an adversary"] > 0, JSON.stringify(end.runs));
  assert.equal(end.runs[1].states["held by an adversary"], undefined);
  await page.selectOption("#colour", "decided");
  await page.keyboard.press("Home");
  assert.equal((await told(page)).runs[1].states["no `decided` yet"], end.runs[1].nodes);
  await fits(page);
  await close();
}

/** What a scenario calls its regions stays text. */
async function hostile(browser, open, anthill, scratch) {
  const evil = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>";
  const scenario = path.join(scratch, "hostile.toml");
  fs.writeFileSync(scenario, [
    "nodes = 40", "until = \"5s\"", "[protocol]", "name = \"gossip\"",
    "[network]", `regions = { latency = "rtt", names = [${JSON.stringify(evil)}, "b"], p50_ms = [[2.0, 40.0], [40.0, 2.0]] }`,
  ].join("\n"));
  const url = pageOf(anthill, made(anthill, scratch, "hostile", [scenario]));
  const { page, close } = await open(browser, url);
  await ready(page);
  const node = await page.evaluate(() => window.anthillPlayback.runs[0].place({ node: 0 }));
  await page.mouse.click(node.x, node.y);
  const text = await details(page);
  assert.ok(text.includes(evil) || /region\s+b\n/.test(text), `the region is told as text: ${text}`);
  assert.equal(await page.evaluate(() => window.hit), undefined, "nothing of it ran");
  await close();
}

/** A picture of a run that is played, for the docs. */
async function screenshot(browser, open, url, file) {
  const { page, close } = await open(browser, url, { viewport: { width: 900, height: 760 } });
  await ready(page);
  await page.evaluate(() => {
    const { from, to } = window.anthillPlayback;
    window.anthillPlayback.seek(from + (to - from) * 0.12);
  });
  const node = await page.evaluate(() => window.anthillPlayback.runs[0].place({ node: 17 }));
  await page.mouse.click(node.x, node.y);
  await page.screenshot({ path: file });
  await close();
}

module.exports = { one, two, hostile, screenshot };
