// What is so at an instant: which messages are on the way, who was reached, who decided what, who is down.

const HANDLED = 0, DROPPED = 1, LOST = 2;

class Run {
  constructor(data) {
    Object.assign(this, data);
    const c = this.column;
    this.count = c.sent.length;
    this.size = c.node_id.length;
    this.shown = new Uint8Array(Math.max(1, this.kinds.length)).fill(1);
    this.arrive = new Float64Array(this.count);
    // Nobody knows when a lost message would have come: it is drawn for as long as others take.
    const ways = c.way.filter((way, i) => c.fate[i] !== LOST && way > 0).sort();
    const typical = ways.length ? ways[ways.length >> 1] : (this.to - this.from) / 50;
    for (let i = 0; i < this.count; i++) {
      this.arrive[i] = c.sent[i] + (c.fate[i] === LOST ? typical : c.way[i]);
    }
    this.active = new Int32Array(Math.max(1, this.count));
    this.said = new Int32Array(this.size);
    this.value = this.outputs.map(() => new Uint32Array(this.size));
    this.downs = new Uint16Array(this.size);
    this.reached = new Uint8Array(this.size);
    this.toggles = this.downToggles();
    this.findReach();
    this.seek(this.from);
  }

  /** Instants at which nodes go down and come up. */
  downToggles() {
    const { down_from, down_to, down_node } = this.column;
    const all = [];
    down_from.forEach((at, i) => {
      all.push([at, down_node[i], 1], [down_to[i], down_node[i], -1]);
    });
    return all.sort((a, b) => a[0] - b[0] || a[2] - b[2]);
  }

  /** When each node first handled a message of a kind that is shown, or sent one. */
  findReach() {
    const c = this.column, reach = new Float64Array(this.size).fill(Infinity);
    for (let i = 0; i < this.count; i++) {
      if (!this.shown[c.kind[i]]) continue;
      const from = c.from[i], to = c.to[i];
      if (c.sent[i] < reach[from]) reach[from] = c.sent[i];
      if (c.fate[i] !== HANDLED) continue;
      const start = this.arrive[i] + c.wait[i];
      if (start < reach[to]) reach[to] = start;
    }
    const order = [];
    for (let node = 0; node < this.size; node++) if (reach[node] < Infinity) order.push(node);
    this.reach = reach;
    this.reachOrder = Uint32Array.from(order).sort((a, b) => reach[a] - reach[b]);
    this.time = NaN;
  }

  /** Goes to an instant: forward from where it is, or anew. */
  seek(time) {
    if (!(time >= this.time)) this.begin();
    this.time = time;
    const c = this.column;
    let active = 0;
    for (let k = 0; k < this.activeCount; k++) {
      const i = this.active[k];
      if (this.arrive[i] > time) this.active[active++] = i;
    }
    for (; this.nextSent < this.count && c.sent[this.nextSent] <= time; this.nextSent++) {
      if (this.arrive[this.nextSent] > time) this.active[active++] = this.nextSent;
    }
    this.activeCount = active;
    const { reachOrder, reach } = this;
    for (; this.nextReach < reachOrder.length && reach[reachOrder[this.nextReach]] <= time; this.nextReach++) {
      this.reached[reachOrder[this.nextReach]] = 1;
    }
    for (; this.nextSaid < c.said_at.length && c.said_at[this.nextSaid] <= time; this.nextSaid++) {
      const i = this.nextSaid, kind = c.said_kind[i], node = c.said_by[i];
      this.value[kind][node] = c.said_value[i] + 1;
      if (this.decisive[kind]) this.said[node] = kind;
    }
    for (; this.nextToggle < this.toggles.length && this.toggles[this.nextToggle][0] <= time; this.nextToggle++) {
      const [, node, change] = this.toggles[this.nextToggle];
      this.downs[node] += change;
    }
  }

  begin() {
    this.activeCount = this.nextSent = this.nextReach = this.nextSaid = this.nextToggle = 0;
    this.reached.fill(0);
    this.said.fill(-1);
    this.downs.fill(0);
    for (const value of this.value) value.fill(0);
  }

  /** States in the order in which they hide each other, with what they are called. */
  states() {
    const names = ["not reached", "reached"];
    this.outputs.forEach((kind, i) => { if (this.decisive[i]) names.push(kind); });
    return [...names, "down"];
  }

  stateOf(node) {
    const last = this.decisiveKinds().length + 2;
    if (this.downs[node] > 0) return last;
    if (this.said[node] >= 0) return 2 + this.decisiveKinds().indexOf(this.said[node]);
    return this.reached[node];
  }

  decisiveKinds() {
    this.decisiveList ??= this.outputs.map((_, i) => i).filter((i) => this.decisive[i]);
    return this.decisiveList;
  }

  /** Kinds of outputs that nodes made. */
  spokenKinds() {
    this.spoken ??= [...new Set(this.column.said_kind)].sort((a, b) => a - b);
    return this.spoken;
  }

  /** The messages that arrive, in that order. */
  arrivals() {
    if (!this.arrivalOrder) {
      const order = new Uint32Array(this.count).map((_, i) => i), { arrive } = this;
      this.arrivalOrder = order.sort((a, b) => arrive[a] - arrive[b] || a - b);
    }
    return this.arrivalOrder;
  }

  /** The next message that is shown and arrives after an instant, or the last before it; -1: none. */
  neighbour(time, forward, after = -1) {
    const order = this.arrivals(), { arrive, column } = this;
    let low = 0, high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const before = forward ? arrive[order[middle]] <= time : arrive[order[middle]] < time;
      if (before) low = middle + 1; else high = middle;
    }
    // Several may come at one instant: from the one that was stepped to on.
    const same = after >= 0 && arrive[after] === time ? order.indexOf(after) : -1;
    let at = same >= 0 ? (forward ? same + 1 : same - 1) : forward ? low : low - 1;
    for (; at >= 0 && at < order.length; at += forward ? 1 : -1) {
      const i = order[at];
      if (this.shown[column.kind[i]] && column.fate[i] !== LOST && arrive[i] < this.to) return i;
    }
    return -1;
  }

  /** Where a message is between its ends, 0 to 1. */
  progress(i) {
    const way = this.arrive[i] - this.column.sent[i];
    return way > 0 ? (this.time - this.column.sent[i]) / way : 1;
  }

  /** The name of a message in a trace. */
  traceName(i) {
    const c = this.column, at = c.sent[i] + c.way[i];
    return `${at}-${c.node_id[c.from[i]]}-${c.sequence[i]}`;
  }
}
