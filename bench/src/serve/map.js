// The map of the network: its nodes in the colours of their states, as the last glimpse has them.

/** Values that get a colour each; the rest share one. */
const MOST_CLASSES = 6;
/** Of a node of which there is no value. */
const NOTHING = "nothing to tell";
/** Of a node that another process of the run has. */
const ELSEWHERE = "in another process, which is not asked";

/** A colour between two of the form `#rrggbb`. */
function mixed(from, to, share) {
  const parts = (colour) => {
    const wide = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
    return [1, 3, 5].map((i) => parseInt(wide.slice(i, i + 2), 16));
  };
  const [a, b] = [parts(from), parts(to)];
  return `rgb(${a.map((n, i) => Math.round(n + (b[i] - n) * share)).join(",")})`;
}

/**
 * Sorts the values of nodes into classes: `of` has that of each node, `names` what they are; 0 is for nothing to
 * tell. Words have hues of their own, figures shades of one, the darker on a light page the more.
 */
function classes(values, isWord, colours) {
  const { hues, faint, page } = colours;
  const isNothing = (value) => value === null || value === undefined || value === "no";
  const nothing = values.find((value) => value === "no") ?? NOTHING;
  const found = [...new Set(values.filter((value) => !isNothing(value)))];
  if (isWord) {
    found.sort();
    const kept = found.slice(0, MOST_CLASSES), rest = found.length > kept.length ? ["others"] : [];
    const place = (value) => isNothing(value) ? 0 : 1 + (kept.includes(value) ? kept.indexOf(value) : kept.length);
    const inks = [0, 2, 4, 3, 5, 1, 7].map((i) => hues[i]);
    return { of: values.map(place), names: [nothing, ...kept, ...rest], colours: [faint, ...kept.map((_, i) => inks[i]), ...rest.map(() => hues[7])] };
  }
  found.sort((a, b) => a - b);
  const count = Math.min(MOST_CLASSES, found.length), least = found[0] ?? 0;
  const shades = Array.from({ length: count }, (_, i) => mixed(page, hues[0], count === 1 ? 1 : 0.25 + 0.75 * i / (count - 1)));
  if (found.length <= MOST_CLASSES) {
    const of = values.map((value) => isNothing(value) ? 0 : 1 + found.indexOf(value));
    return { of, names: [nothing, ...found.map((n) => n.toLocaleString("en"))], colours: [faint, ...shades] };
  }
  const wide = (found[found.length - 1] - least) / count;
  const of = values.map((value) => isNothing(value) ? 0 : 1 + Math.min(count - 1, Math.floor((value - least) / wide)));
  const names = shades.map((_, i) => {
    const [from, to] = [Math.ceil(least + i * wide), i === count - 1 ? found[found.length - 1] : Math.ceil(least + (i + 1) * wide) - 1];
    return from === to ? from.toLocaleString("en") : `${from.toLocaleString("en")} to ${to.toLocaleString("en")}`;
  });
  return { of, names: [nothing, ...names], colours: [faint, ...shades] };
}

class LiveMap extends NetworkMap {
  constructor(facts, box) {
    const size = facts.x.length;
    const column = {
      node_x: facts.x, node_y: facts.y, node_held: new Uint8Array(size),
      edge_from: facts.edge_from, edge_to: facts.edge_to,
    };
    super({ ...facts, size, column }, box.querySelector("canvas"));
    this.down = new Uint8Array(size);
    this.classes = { of: new Array(size).fill(0), names: ["not known yet"], colours: ["gray"] };
    this.now = null;
    this.modes = [
      ...facts.columns.map(({ name, about, word }, i) => ({ name, label: name, about, word, of: (now) => now.columns[i] })),
      ...(facts.outputs.length ? [{
        name: "last output", label: "last output", about: "what a node said last", word: true,
        of: (now) => now.last.map((kind) => kind === null ? null : facts.outputs[kind]),
      }] : []),
      ...facts.outputs.map((name, i) => ({
        name: `${name}, how often`, label: name, about: `how often a node said \`${name}\``, word: false, of: (now) => now.said[i],
      })),
    ];
    this.choice = byId("map-colour");
    this.choice.append(...this.modes.map(({ name }, i) => new Option(name, i)));
    byId("map-choice").hidden = this.modes.length === 0;
    this.choice.addEventListener("change", () => this.show());
    addEventListener("resize", () => { this.resize(); this.show(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.paint(); this.show(); });
    this.resize();
    this.show();
  }

  regionLabel(region) {
    return `${region.name}  ${short.format(this.run.all[this.run.regions.indexOf(region)])}`;
  }

  colourOf(node) {
    return this.down[node] ? this.downColour : this.classes.of[node];
  }

  /** Takes what a sample says of the nodes that are drawn, and what is going on. */
  update(now, faults) {
    byId("map-now").textContent = `Now: ${faults.join("; ") || "no fault"}`;
    if (now === null) return;
    this.now = now;
    this.down.fill(0);
    this.run.column.node_held.fill(0);
    for (const node of now.down) this.down[node] = 1;
    for (const node of now.held) this.run.column.node_held[node] = 1;
    this.show();
  }

  show() {
    const { now, run, canvas, context } = this, mode = this.modes[this.choice.value];
    byId("map-about").textContent = mode?.about ?? "";
    const nothing = new Array(run.size).fill(null);
    // Before anybody has said anything there are no counts.
    const values = now === null || !mode ? nothing : mode.of(now) ?? nothing;
    this.classes = classes(values, mode?.word ?? true, this.colours);
    // A figure, or a yes, says nothing without what it is of.
    const bare = (name) => !mode?.word || ["yes", "no"].includes(name);
    if (mode) this.classes.names = this.classes.names.map((name) => bare(name) && name !== NOTHING ? `${mode.label}: ${name}` : name);
    if (now === null) this.classes.names[0] = "not known yet";
    else if (!mode) this.classes.names[0] = "up";
    if (now?.unseen.length) this.leaveOut(now.unseen);
    const colours = [...this.classes.colours, this.colours.faint];
    this.downColour = colours.length - 1;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.base, 0, 0);
    this.nodeCircles(colours);
    const rows = this.rows();
    byId("map-legend").replaceChildren(...rows.map(legendEntry));
    canvas.setAttribute("aria-label", `The network: ${rows.map(([, , name, n]) => `${n} ${name}`).join(", ")}`);
    this.regions();
  }

  /** Nodes of a run's other processes, of which this one knows nothing, are in a class of their own. */
  leaveOut(unseen) {
    const { names, colours } = this.classes;
    for (const node of unseen) this.classes.of[node] = names.length;
    names.push(ELSEWHERE);
    colours.push(this.colours.rule);
  }

  /** The legend: mark, colour, name and number of each state. A node that is down is in no other. */
  rows() {
    const { names, colours } = this.classes, { faint, hues } = this.colours;
    const counts = this.counts(() => true);
    const rows = names.map((name, i) => [i === 0 ? "○" : "●", colours[i], name, counts.classes[i]]);
    const told = rows.filter(([, , , n], i) => n > 0 || i > 0);
    if (counts.down) told.push(["×", faint, "down", counts.down]);
    if (counts.held) told.push(["▢", hues[6], "byzantine", counts.held]);
    return told;
  }

  counts(wanted) {
    const counts = { drawn: 0, down: 0, held: 0, classes: this.classes.names.map(() => 0) };
    for (let node = 0; node < this.run.size; node++) {
      if (!wanted(node)) continue;
      counts.drawn += 1;
      counts.held += this.run.column.node_held[node];
      if (this.down[node]) counts.down += 1;
      else counts.classes[this.classes.of[node]] += 1;
    }
    return counts;
  }

  /** The same by region. */
  regions() {
    const table = document.querySelector("#map-regions table");
    if (!table) return;
    const { run } = this, head = make("tr");
    const names = this.classes.names;
    const used = names.map((_, i) => i).filter((i) => i > 0 || this.classes.of.includes(0));
    for (const name of ["Region", "nodes", "drawn", ...used.map((i) => names[i]), "down", "byzantine"]) {
      head.append(make("th", name, name === "Region" ? "" : "figure"));
    }
    table.tHead.replaceChildren(head);
    fill(table, run.regions.map((region, place) => {
      const { drawn, down, held, classes: by } = this.counts((node) => run.region_of[node] === place);
      const share = `${(100 * down / Math.max(1, drawn)).toFixed(down ? 1 : 0)} %`;
      return [region.name, run.all[place].toLocaleString("en"), drawn.toLocaleString("en"),
        ...used.map((i) => by[i].toLocaleString("en")), share, held.toLocaleString("en")];
    }));
  }
}

/** The faults of an instant, in words. */
function faultsAt(ns) {
  const all = JSON.parse(byId("plots").dataset.faults);
  return all.filter(({ from, to }) => from <= ns && (to === null || ns < to)).map(({ text }) => text);
}

const theMap = new LiveMap(JSON.parse(byId("map").dataset.map), byId("map"));
byId("map-now").hidden = JSON.parse(byId("plots").dataset.faults).length === 0;
