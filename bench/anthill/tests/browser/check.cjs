// The report and the live view as a browser shows them: run by scripts/test-browser.
// node check.cjs ANTHILL CHROMIUM SCRATCH [SCREENSHOT.png]
"use strict";
const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { chromium } = require("playwright-core");

const [anthill, executablePath, scratch, screenshot] = process.argv.slice(2);
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

/** A long run, watched, then interrupted. */
async function live(browser) {
  const run = spawn(anthill, ["run", "phold", "--nodes", "2k", "--until", "100000s",
    "--serve", "127.0.0.1:0", "--progress", "off", "--out", path.join(scratch, "live")],
  { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => run.on("exit", (code) => resolve(code)));
  try {
    const url = await new Promise((resolve, reject) => {
      let said = "";
      run.stderr.on("data", (data) => {
        said += data;
        const found = said.match(/http:\/\/[^ ]+/);
        if (found) resolve(found[0]);
      });
      ended.then(() => reject(new Error(`it ended: ${said}`)));
    });
    const { page, close } = await open(browser, url);
    const events = async () => Number((await page.innerText("#events")).replaceAll(",", ""));
    const grows = (than) => page.waitForFunction(
      (n) => Number(document.getElementById("events").textContent.replaceAll(",", "")) > n,
      than, { timeout: 20_000 });
    await grows(0);
    const first = await events();
    await grows(first);
    await page.waitForSelector("#rate svg path.line");
    assert.equal(await page.locator("#shards meter").count() > 0, true, "load of the shards");
    assert.equal(await page.innerText("#state"), "running");
    run.kill("SIGINT");
    await page.waitForFunction(
      () => document.getElementById("state").textContent.startsWith("interrupted; digest "),
      undefined, { timeout: 20_000 });
    assert.ok(!(await page.innerText("#checks")).includes("made at the end"), "checks are there");
    assert.equal(await ended, 130);
    await close();
  } finally {
    run.kill("SIGKILL");
  }
}

async function main() {
  const directory = path.join(scratch, "run");
  execFileSync(anthill, ["run", "regional-outage", "--nodes", "5k", "--out", directory, "--progress", "off"]);
  execFileSync(anthill, ["report", directory]);
  const url = pathToFileURL(path.join(directory, "report.html")).href;
  const { digest } = require(path.join(directory, "summary.json"));
  const browser = await chromium.launch({ executablePath, args });
  try {
    for (const [name, check] of [
      ["report, light and dark", () => report(browser, url, digest)],
      ["ledger, searched", () => ledger(browser)],
      ["report without a script", () => withoutScript(browser, url, digest)],
      ["report on paper", () => printed(browser, url)],
      ["live view", () => live(browser)],
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
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
