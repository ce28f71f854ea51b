// What is said in words of a run at an instant: how many nodes are in which state, and all of what was clicked.

const FATES = ["handled", "arrived, and was dropped: the node was down or its queue full", "lost on its way",
  "on its way when the run ended"];
/** Messages of a node that are listed, before the instant and after it. */
const LISTED = 12;
/** Values in the legend. */
const MOST_VALUES = 6;

class Details {
  /** `go` seeks to an instant, `select` chooses a node or message. */
  constructor(run, view, { legend, kinds, box, notes }, { go, select, refresh }) {
    Object.assign(this, { run, view, legend, box, go, select });
    this.held = run.column.node_held.reduce((sum, n) => sum + n, 0);
    const used = new Set(run.column.kind);
    this.kindCounts = run.kinds.map((kind, i) => {
      const button = make("button", undefined, "kind");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.title = "Shows or hides these messages";
      const count = make("b", "0");
      button.append(swatch(() => view.kindColours[i]), ` ${kind} `, count);
      button.addEventListener("click", () => {
        run.shown[i] ^= 1;
        button.setAttribute("aria-pressed", String(run.shown[i] === 1));
        const { time } = run;
        run.findReach();
        run.seek(time);
        refresh();
      });
      if (used.has(i)) kinds.append(button);
      return count;
    });
    const facts = ["reached: has handled or sent a message of the kinds that are shown", ...run.left_out];
    if (run.conditions.length) facts.push(`on: ${run.conditions.join("; ")}`);
    const failed = run.checks.filter((check) => !check.ok);
    if (failed.length) facts.push(`checks that do not hold: ${failed.map((check) => check.name).join("; ")}`);
    facts.push(`digest ${run.digest}`);
    for (const fact of facts) notes.append(make("li", fact));
    this.faults = make("li", "");
    notes.prepend(this.faults);
  }

  /** Brings the words up to the instant. */
  update() {
    const { run, view } = this, { kind } = run.column;
    const flying = new Array(run.kinds.length).fill(0);
    for (let k = 0; k < run.activeCount; k++) flying[kind[run.active[k]]] += 1;
    flying.forEach((n, i) => { this.kindCounts[i].textContent = counted(n); });
    const rows = view.mode < 0 ? this.stateRows() : this.valueRows();
    const { held } = this;
    if (held) rows.push(["▢", view.colours.hues[6], "held by an adversary", held]);
    this.legend.replaceChildren(...rows.map(legendEntry));
    const now = run.faults.filter((fault) => fault.from <= run.time && (fault.to === null || run.time < fault.to));
    const text = now.map((fault) => fault.text).join("; ");
    this.faults.textContent = run.faults.length ? `now: ${text || "no fault"}` : "";
    this.faults.hidden = !run.faults.length;
    this.counts = rows.map(([, , name, n]) => [name, n]);
  }

  stateRows() {
    const { run, view } = this, names = run.states();
    const counts = names.map(() => 0);
    for (let node = 0; node < run.size; node++) counts[run.stateOf(node)] += 1;
    const last = names.length - 1;
    const rows = names.map((name, i) => [i === 0 ? "○" : i === last ? "×" : "●", view.stateColours[i], name, counts[i]]);
    return rows.filter(([, , , n], i) => i < 2 || n > 0 || (i < last && run.spokenKinds().length > 0));
  }

  valueRows() {
    const { run, view } = this, counts = new Map();
    for (const value of run.value[view.mode]) counts.set(value, (counts.get(value) ?? 0) + 1);
    const silent = counts.get(0) ?? 0;
    counts.delete(0);
    const order = [...counts].sort((a, b) => b[1] - a[1]);
    const rows = order.slice(0, MOST_VALUES).map(([value, n]) =>
      ["●", view.colours.hues[(value - 1) % 8], this.text(value - 1), n]);
    const more = order.slice(MOST_VALUES).reduce((sum, [, n]) => sum + n, 0);
    if (more) rows.push(["●", view.colours.faint, `others, ${order.length - MOST_VALUES} of them`, more]);
    rows.push(["○", view.colours.faint, `no \`${run.outputs[view.mode]}\` yet`, silent]);
    return rows;
  }

  text(value) {
    return value >= 0 && value < this.run.values.length ? this.run.values[value] || "(nothing more)" : "(not kept)";
  }

  /** All of what was clicked. */
  show() {
    const { view } = this;
    if (view.message >= 0) this.showMessage(view.message);
    else if (view.node >= 0) this.showNode(view.node);
    else this.box.replaceChildren(make("p", "Nothing is chosen: click a node or a message.", "absent"));
  }

  showMessage(i) {
    const { run } = this, c = run.column;
    const lost = c.fate[i] === LOST;
    const rows = [
      ["kind", run.kinds[c.kind[i]] ?? "?"],
      ["from", this.nodeLink(c.from[i])],
      ["to", this.nodeLink(c.to[i])],
      ["size", `${counted(c.bytes[i])} B`],
      ["sent", this.timeLink(c.sent[i])],
      ["arrives", lost ? "never" : this.timeLink(run.arrive[i])],
      ["on its way", lost ? "lost" : span(c.way[i], 4)],
    ];
    if (c.fate[i] === HANDLED) {
      rows.push(["handled", this.timeLink(run.arrive[i] + c.wait[i])]);
      if (c.wait[i] > 0) rows.push(["waited there", span(c.wait[i], 4)]);
    }
    rows.push(["fate", FATES[c.fate[i]]]);
    rows.push(["because of", c.cause[i] === NONE ? "a timer, the start of the node, or a message that is not here"
      : this.messageLink(c.cause[i])]);
    rows.push(["name in a trace", run.traceName(i)]);
    this.fill(`Message ${run.kinds[c.kind[i]] ?? ""}`, rows);
  }

  showNode(node) {
    const { run } = this, c = run.column;
    const region = run.regions[c.node_region[node]];
    const rows = [["state", run.states()[run.stateOf(node)]]];
    if (region) rows.push(["region", region.name]);
    if (c.node_held[node]) rows.push(["held", "by an adversary"]);
    if (run.reach[node] < Infinity) rows.push(["first message", this.timeLink(run.reach[node])]);
    run.spokenKinds().forEach((kind) => {
      const value = run.value[kind][node];
      if (value) rows.push([`last \`${run.outputs[kind]}\``, this.text(value - 1)]);
    });
    const row = run.rows[c.node_id[node]];
    if (row) run.row_columns.forEach((name, i) => rows.push([`${name}, at the end`, row[i]]));
    this.fill(`Node ${c.node_id[node]}`, rows);
    this.box.append(this.messagesOf(node));
  }

  /** Its messages around the instant. */
  messagesOf(node) {
    const { run } = this, c = run.column;
    const before = [], after = [];
    let [sent, received] = [0, 0];
    for (let i = 0; i < run.count; i++) {
      if (c.from[i] !== node && c.to[i] !== node) continue;
      if (c.from[i] === node) sent += 1; else received += 1;
      if (c.sent[i] <= run.time) {
        before.push(i);
        if (before.length > LISTED) before.shift();
      } else if (after.length < LISTED) after.push(i);
    }
    const list = make("div", undefined, "messages");
    list.append(make("p", `${counted(sent)} sent and ${counted(received)} received, of those that are here; around this instant:`));
    for (const i of [...before, ...after]) {
      const line = make("div", undefined, c.sent[i] <= run.time ? "" : "later");
      line.append(this.messageLink(i));
      list.append(line);
    }
    return list;
  }

  fill(title, rows) {
    const table = make("table");
    for (const [name, value] of rows) {
      const row = table.insertRow();
      row.append(make("th", name));
      const cell = row.insertCell();
      cell.append(value);
    }
    this.box.replaceChildren(make("h3", title), table);
  }

  link(text, follow) {
    const button = make("button", text, "link");
    button.type = "button";
    button.addEventListener("click", follow);
    return button;
  }

  nodeLink(node) {
    return this.link(`node ${this.run.column.node_id[node]}`, () => this.select({ node }));
  }

  messageLink(i) {
    const { run } = this, c = run.column;
    const ends = `${c.node_id[c.from[i]]} → ${c.node_id[c.to[i]]}`;
    return this.link(`${exact(c.sent[i])}  ${run.kinds[c.kind[i]] ?? ""}  ${ends}`, () => {
      this.select({ message: i });
      this.go((c.sent[i] + run.arrive[i]) / 2);
    });
  }

  timeLink(ns) {
    return this.link(exact(ns), () => this.go(ns));
  }
}

/** A sign in a colour that follows the theme. */
function swatch(colour) {
  const sign = make("i", "●");
  const paint = () => { sign.style.color = colour(); };
  paint();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(paint));
  return sign;
}
