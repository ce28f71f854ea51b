// The report, the live view and the playback as a browser shows them: run by scripts/test-browser.
// node check.cjs ANTHILL CHROMIUM SCRATCH [REPORT.png [PLAYBACK.png [MAP.png]]]
"use strict";
const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");
const playback = require("./playback.cjs");

const [anthill, executablePath, scratch, screenshot, screenshotOfPlayback, screenshotOfMap] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Opens a page; fails on any error in it, or any request beyond `origin`. */
async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 1400 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  const origin = url.startsWith("file:") ? url : new URL(url).origin + "/";
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(origin) && !to.startsWith("data:")) problems.push(`asked for ${to}`);
  });
  await page.goto(url, { waitUntil: "load" });
  const close = async () => {
    assert.deepEqual(problems, [], url);
    await context.close();
  };
  return { page, close };
}

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const ink = (page) => page.evaluate(() => {
  const text = document.querySelector(".plot text");
  return text ? getComputedStyle(text).fill : getComputedStyle(document.body).color;
});

async function report(browser, url, digest) {
  const colours = {};
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await open(browser, url, { colorScheme });
    colours[colorScheme] = [await background(page), await ink(page)];
    assert.ok((await page.innerText("body")).includes(digest), "the digest is shown");
    const plots = await page.locator("svg.plot").all();
    assert.ok(plots.length >= 6, `${plots.length} plots`);
    for (const plot of plots) {
      const box = await plot.boundingBox();
      assert.ok(box && box.width > 300 && box.height > 20, "a plot has a size");
    }
    // Nothing but wide tables and plots, which scroll by themselves, is wider than the page.
    for (const width of [1000, 390]) {
      await page.setViewportSize({ width, height: 1400 });
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(excess <= 0, `${excess} pixels too wide at ${width}`);
    }
    if (colorScheme === "light") await sorting(page);
    await close();
  }
  assert.equal(colours.light[0], "rgb(255, 255, 255)");
  assert.notEqual(colours.light[0], colours.dark[0], "the page follows the theme");
  assert.notEqual(colours.light[1], colours.dark[1], "so do the plots");
}

async function sorting(page) {
  const table = page.locator("#cost table");
  const first = () => table.locator("tbody tr td").first().innerText();
  const before = await first();
  await table.locator("th").first().click();
  assert.notEqual(await first(), before, "a click on a heading sorts");
}

/** A transaction of a chain is found by its name, and what it says stays text. */
async function ledger(browser) {
  const directory = path.join(scratch, "ledger");
  execFileSync(anthill, ["run", "pos-bft", "--nodes", "7", "--set", "protocol.users=3",
    "--set", "protocol.heights=3", "--set", "protocol.execution=transfer", "--set", "workload.rate=5",
    "--ledger", "--out", directory, "--progress", "off"]);
  execFileSync(anthill, ["report", directory]);
  const block = execFileSync(anthill, ["ledger", directory, "block", "2", "--format", "json"]);
  const [first] = JSON.parse(block).transactions_in_it.listed;
  const { page, close } = await open(browser, pathToFileURL(path.join(directory, "report.html")).href);
  await page.fill("[data-search] input", first.id.slice(0, 12));
  await page.waitForSelector("[data-found] table");
  assert.ok((await page.innerText("[data-found]")).includes(first.id), "it is found");
  await page.setViewportSize({ width: 390, height: 1400 });
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(excess <= 0, `${excess} pixels too wide`);
  await close();
}

async function withoutScript(browser, url, digest) {
  const { page, close } = await open(browser, url, { javaScriptEnabled: false });
  const text = await page.locator("body").innerText();
  for (const part of [digest, "Headline figures", "Over virtual time", "git checkout"]) {
    assert.ok(text.includes(part), `${part} is readable without a script`);
  }
  assert.ok(await page.locator("svg.plot").first().isVisible());
  await close();
}

async function printed(browser, url) {
  const { page, close } = await open(browser, url, { colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await background(page), "rgb(255, 255, 255)", "paper is white");
  const folded = await page.locator("details pre").first().boundingBox();
  assert.ok(folded && folded.height > 50, "what is folded away is printed");
  const pdf = await page.pdf({ format: "A4", printBackground: true });
  assert.ok(pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 20_000, "a PDF");
  await close();
}

/** A run that is served: the process, the address that `wanted` finds in what it says, and its exit code. */
async function served(flags, name, wanted = /http:\/\/[^ ]+/) {
  const run = spawn(anthill, ["run", ...flags, "--serve", "127.0.0.1:0", "--progress", "off",
    "--out", path.join(scratch, name)], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => run.on("exit", (code) => resolve(code)));
  const address = new Promise((resolve, reject) => {
    let said = "";
    run.stderr.on("data", (data) => {
      said += data;
      const found = said.match(wanted);
      if (found) resolve(found[0]);
    });
    ended.then(() => reject(new Error(`it ended: ${said}`)));
  });
  return { run, ended, address };
}

/** A long run, watched, then interrupted. */
async function live(browser) {
  const { run, ended, address } = await served(["raft", "--nodes", "50", "--until", "10000000s"], "live");
  try {
    const { page, close } = await open(browser, await address);
    const events = async () => Number((await page.innerText("#events")).replaceAll(",", ""));
    const grows = (than) => page.waitForFunction(
      (n) => Number(document.getElementById("events").textContent.replaceAll(",", "")) > n,
      than, { timeout: 60_000 });
    await grows(0);
    const first = await events();
    await grows(first);
    await page.waitForSelector("#rate svg path.line");
    assert.equal(await page.locator("#shards meter").count() > 0, true, "load of the shards");
    assert.match(await page.innerText("#state"), /^running/);
    await page.waitForSelector("#percentiles svg path.line", { timeout: 60_000 });
    await page.waitForSelector("#kinds svg path.line");
    assert.ok((await page.innerText("#left")).length > 0, "how long it will take");
    await outputsOnTheMap(page);
    // Who comes late, or loads the page again, sees what was before.
    await page.reload();
    await page.waitForFunction(() => points.length >= 3, undefined, { timeout: 60_000 });
    run.kill("SIGINT");
    await page.waitForFunction(
      () => document.getElementById("state").textContent.startsWith("interrupted; digest "),
      undefined, { timeout: 60_000 });
    assert.ok(!(await page.innerText("#checks")).includes("made at the end"), "checks are there");
    assert.equal(await ended, 130);
    await close();
  } finally {
    run.kill("SIGKILL");
  }
}

/** The legend of the map: how many nodes are in which state. */
const legend = (page) => page.evaluate(() => Object.fromEntries(
  theMap.rows().map(([, , name, n]) => [name, n])));

/** Nodes have the colours of what they said, and of how often. */
async function outputsOnTheMap(page) {
  await page.selectOption("#map-colour", { label: "last output" });
  await page.waitForFunction(() => theMap.rows().some(([, , name]) => name === "applied"),
    undefined, { timeout: 60_000 });
  const states = await legend(page);
  assert.equal(Object.values(states).reduce((a, b) => a + b, 0), 50, JSON.stringify(states));
  await page.selectOption("#map-colour", { label: "applied, how often" });
  assert.match(await page.innerText("#map-about"), /how often a node said/);
  const counted = await page.evaluate(() => Math.max(...theMap.classes.of));
  assert.ok(counted > 0, "shades of figures");
}

/** The colour of a node on the canvas, in its middle. */
const inkOf = (page, node) => page.evaluate((node) => {
  const { context, x, y } = theMap;
  return [...context.getImageData(Math.round(x[node]), Math.round(y[node]), 1, 1).data].slice(0, 3);
}, node);

/** A run that is over, and its page that stays until it is stopped: its map, and its report. */
async function staying(browser, picture) {
  const flags = ["gossip", "--nodes", "20k", "--set", "adversary.kind=silent", "--set", "adversary.fraction=0.05",
    "--set", 'fault=[{ at = "1ms", kind = "crash", fraction = 0.1 }]', "--serve-until", "stopped"];
  const { run, ended, address } = await served(flags, "staying", /http:\/\/[^ ]+\/report/);
  try {
    const url = await address;
    const { page, close } = await open(browser, url.replace("report", ""));
    await page.waitForFunction(
      () => document.getElementById("state").textContent.startsWith("finished; digest "),
      undefined, { timeout: 60_000 });
    await mapOfRegions(page);
    if (picture) await page.locator("#map-of-the-network").screenshot({ path: picture });
    await page.click("#report");
    await page.waitForURL("**/report");
    const { digest } = require(path.join(scratch, "staying", "summary.json"));
    assert.ok((await page.innerText("body")).includes(digest), "its report is served");
    await close();
    run.kill("SIGINT");
    assert.equal(await ended, 0, "Ctrl-C then ends the page, not the run");
  } finally {
    run.kill("SIGKILL");
  }
}

/** Of many nodes a sample on the map of the world: who is informed, down or byzantine, in all and by region. */
async function mapOfRegions(page) {
  const states = await legend(page);
  const summary = require(path.join(scratch, "staying", "summary.json"));
  const [yes, no] = [states["informed: yes"], states["informed: no"] ?? 0];
  assert.ok(yes > 0 && states.byzantine > 0 && states.down > 0, JSON.stringify(states));
  const shown = yes + no + states.down;
  assert.ok(shown >= 1000 && shown <= 1020, `${shown} nodes are drawn`);
  const share = yes / shown;
  assert.ok(Math.abs(share - summary.metrics.coverage) < 0.08, `${share} of them, ${summary.metrics.coverage} of all`);
  // Two nodes in different states differ in colour, and the picture is not empty.
  const pair = await page.evaluate(() => {
    const free = (node) => !theMap.run.column.node_held[node];
    const of = (wanted) => theMap.classes.of.findIndex((state, node) => free(node) && !theMap.down[node] && state === wanted);
    return [of(1), of(0)];
  });
  assert.ok(pair[0] >= 0, "somebody is informed");
  if (pair[1] >= 0) assert.notDeepEqual(await inkOf(page, pair[0]), await inkOf(page, pair[1]));
  // Nodes of a run's other processes are said to be such, not to be without news.
  const elsewhere = await page.evaluate(() => {
    const now = theMap.now;
    const unseen = theMap.classes.of.map((_, node) => node).filter((node) => !theMap.down[node]).slice(0, 2);
    theMap.update({ ...now, unseen }, []);
    const row = theMap.rows().find(([, , name]) => name.startsWith("in another process"));
    theMap.update(now, []);
    return row?.[3];
  });
  assert.equal(elsewhere, 2, "nodes of another process");
  const rows = await page.locator("#map-regions tbody tr").count();
  assert.equal(rows, 10, "a row for each region");
  const nodes = await page.locator("#map-regions tbody tr td:nth-child(2)").allInnerTexts();
  const all = nodes.reduce((sum, n) => sum + Number(n.replaceAll(",", "")), 0);
  assert.equal(all, 20_000, "all nodes are in some region");
  assert.match(await page.innerText("#map-of-the-network"), /1,0\d\d of 20,000 nodes are drawn/);
  // Nothing but the table, which scrolls by itself, is wider than the page, in either theme.
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of [390, 1000]) {
      await page.setViewportSize({ width, height: 1400 });
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(excess <= 0, `${excess} pixels too wide at ${width}`);
    }
  }
}

async function main() {
  const directory = path.join(scratch, "run");
  execFileSync(anthill, ["run", "regional-outage", "--nodes", "5k", "--out", directory, "--progress", "off"]);
  execFileSync(anthill, ["report", directory]);
  const url = pathToFileURL(path.join(directory, "report.html")).href;
  const { digest } = require(path.join(directory, "summary.json"));
  const browser = await chromium.launch({ executablePath, args });
  let played;
  try {
    for (const [name, check] of [
      ["report, light and dark", () => report(browser, url, digest)],
      ["ledger, searched", () => ledger(browser)],
      ["report without a script", () => withoutScript(browser, url, digest)],
      ["report on paper", () => printed(browser, url)],
      ["live view", () => live(browser)],
      ["live view of a run that is over", () => staying(browser, screenshotOfMap)],
      ["playback of a run", async () => { played = await playback.one(browser, open, anthill, scratch); }],
      ["playback of two runs", () => playback.two(browser, open, anthill, scratch)],
      ["playback of hostile names", () => playback.hostile(browser, open, anthill, scratch)],
    ]) {
      const begun = Date.now();
      await check();
      console.log(`ok: ${name}, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    }
    if (screenshot) {
      const { page, close } = await open(browser, url, { viewport: { width: 860, height: 2000 } });
      await page.screenshot({ path: screenshot });
      await close();
    }
    if (screenshotOfPlayback) await playback.screenshot(browser, open, played, screenshotOfPlayback);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
