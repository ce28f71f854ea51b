// Looks things up in the ledger that a report carries, packed. What it says was written by strangers:
// it becomes text, never markup.
for (const box of document.querySelectorAll("[data-ledger]")) {
  const search = box.querySelector("[data-search]");
  const input = search.querySelector("input");
  const found = box.querySelector("[data-found]");
  const most = 50;
  const names = (it) => [it.id, it.hash, it.height, it.address, it.block, it.sender, it.proposer];
  const element = (name, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = String(text);
    return made;
  };
  const unpack = async () => {
    const packed = box.querySelector("[data-packed]").textContent;
    const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const lines = (await new Response(plain).text()).trim().split("\n");
    return lines.slice(1).map((line) => JSON.parse(line));
  };
  let entries;
  let asked = 0;
  const look = async () => {
    const turn = ++asked;
    const wanted = input.value.trim().toLowerCase().replace(/^0x/, "");
    if (wanted === "") return found.replaceChildren();
    entries ??= unpack();
    let all;
    try { all = await entries; } catch (problem) {
      return found.replaceChildren(element("p", `This browser cannot unpack the ledger: ${problem}`));
    }
    if (turn !== asked) return;
    // A short number is a whole name; of long names the beginning is enough.
    const fits = (name) => name !== undefined && name !== null &&
      (String(name) === wanted || (wanted.length >= 4 && String(name).startsWith(wanted)));
    const matches = all.filter((it) => names(it).some(fits));
    const table = element("table");
    for (const it of matches.slice(0, most)) {
      const row = table.insertRow();
      row.append(element("th", it.entry));
      const cell = row.insertCell();
      for (const [name, value] of Object.entries(it)) {
        if (name === "entry" || value === null || value === "") continue;
        cell.append(element("small", `${name.replaceAll("_", " ")} `));
        cell.append(element("span", value), element("br"));
      }
    }
    const more = matches.length > most ? `, of which ${most} are shown` : "";
    const wide = element("div");
    wide.className = "wide";
    wide.append(table);
    found.replaceChildren(element("p", `${matches.length} found${more}`), wide);
  };
  input.addEventListener("input", look);
  search.hidden = false;
}
