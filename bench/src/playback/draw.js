// Draws a run on a canvas. Few nodes and messages are circles and arcs; many are pixels, written at once.

/** More messages on the way than this are drawn as pixels, as are many nodes. */
const MANY_MESSAGES = 1500;
/** Messages drawn in one frame; of more, every n-th. */
const MOST_DRAWN = 60000;

/** `#rrggbb` as a pixel. */
function pixel(colour, alpha = 255) {
  const wide = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
  const n = parseInt(wide.slice(1), 16);
  return ((alpha << 24) | ((n & 255) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
}

class View extends NetworkMap {
  constructor(run, canvas) {
    super(run, canvas);
    this.dots = document.createElement("canvas");
    this.node = this.message = -1;
    this.mode = -1;
    this.resize();
  }

  canvases() {
    return [...super.canvases(), this.dots];
  }

  resize() {
    super.resize();
    this.round = this.run.layout === "world" ? 2 * Math.PI * this.scale : Infinity;
    this.image = this.dots.getContext("2d").createImageData(this.dots.width, this.dots.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  paint() {
    super.paint();
    const { hues, faint } = this.colours;
    const decisive = this.run.decisiveKinds().map((_, i) => hues[[2, 4, 3, 5][i % 4]]);
    this.stateColours = [faint, hues[0], ...decisive, faint];
    this.kindColours = this.run.kinds.map((_, i) => hues[[1, 3, 5, 4, 2, 7, 0, 6][i % 8]]);
  }

  /** The colour of a node as a number among `nodeColours`. */
  colourOf(node) {
    const { run } = this;
    if (run.downs[node] > 0) return this.downColour;
    if (this.mode < 0) return run.stateOf(node);
    const value = run.value[this.mode][node];
    return value === 0 ? 0 : 1 + (value - 1) % 8;
  }

  nodeColours() {
    const { hues, faint } = this.colours;
    const colours = this.mode < 0 ? this.stateColours : [faint, ...hues, faint];
    this.downColour = colours.length - 1;
    return colours;
  }

  draw() {
    const { context, canvas, run } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(this.base, 0, 0);
    const colours = this.nodeColours();
    const visible = this.visible();
    const manyNodes = run.size > MANY_NODES, manyMessages = visible.length > MANY_MESSAGES;
    if (manyNodes || manyMessages) {
      this.pixels.fill(0);
      if (manyNodes) this.nodePixels(colours);
      if (manyMessages) this.messagePixels(visible);
      this.dots.getContext("2d").putImageData(this.image, 0, 0);
    }
    if (!manyNodes) this.nodeCircles(colours);
    if (manyNodes || manyMessages) context.drawImage(this.dots, 0, 0);
    if (!manyMessages) this.messageArcs(visible);
    this.selection();
    this.drawn = visible.length;
  }

  /** The messages on the way that are shown; of too many, every n-th. */
  visible() {
    const { run } = this, { kind, from, to } = run.column;
    const every = Math.ceil(run.activeCount / MOST_DRAWN);
    const all = [];
    this.onTheWay = 0;
    for (let k = 0; k < run.activeCount; k++) {
      const i = run.active[k];
      if (!run.shown[kind[i]]) continue;
      this.onTheWay += 1;
      if (from[i] !== to[i] && (every === 1 || i % every === 0)) all.push(i);
    }
    return all;
  }

  nodePixels(colours) {
    const { width, height } = this.dots, { pixels, run } = this;
    const inks = colours.map((colour, i) => pixel(colour, i === 0 || i === this.downColour ? 130 : 255));
    const side = Math.max(1, Math.round(this.ratio * (run.size > 60000 ? 1 : 2)));
    const held = pixel(this.colours.hues[6]);
    for (let node = 0; node < run.size; node++) {
      const ink = run.column.node_held[node] ? held : inks[this.colourOf(node)];
      square(pixels, width, height, this.x[node] | 0, this.y[node] | 0, side, ink);
    }
  }

  messagePixels(visible) {
    const { width, height } = this.dots, { pixels, run } = this;
    const inks = this.kindColours.map((colour) => pixel(colour, 220));
    const side = Math.max(1, Math.round(this.ratio * (visible.length > 20000 ? 1 : 2)));
    for (const i of visible) {
      this.at(i, run.progress(i));
      square(pixels, width, height, this.px | 0, this.py | 0, side, inks[run.column.kind[i]]);
    }
  }

  messageArcs(visible) {
    const { context, run, ratio } = this, { kind, fate } = run.column;
    const head = ratio * (visible.length > 400 ? 1.6 : 2.6);
    context.lineCap = "round";
    this.kindColours.forEach((colour, of) => {
      const trails = new Path2D(), heads = new Path2D(), crosses = new Path2D();
      for (const i of visible) {
        if (kind[i] !== of) continue;
        const at = run.progress(i);
        this.line(trails, i, Math.max(0, at - 0.14), at, 2);
        const [x, y, r] = [this.px, this.py, head * 1.3];
        if (fate[i] === LOST) {
          crosses.moveTo(x - r, y - r);
          crosses.lineTo(x + r, y + r);
          crosses.moveTo(x + r, y - r);
          crosses.lineTo(x - r, y + r);
        } else {
          heads.moveTo(x + head, y);
          heads.arc(x, y, head, 0, 2 * Math.PI);
        }
      }
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = ratio * 1.4;
      context.globalAlpha = 0.45;
      context.stroke(trails);
      context.globalAlpha = 1;
      context.fill(heads);
      context.stroke(crosses);
    });
  }

  /** Adds a part of a message's way to a path. */
  line(path, i, from, to, steps) {
    let last = NaN;
    for (let step = 0; step <= steps; step++) {
      this.at(i, from + (to - from) * step / steps);
      // Not across the map where it leaves on one side and comes on the other.
      if (Math.abs(this.px - last) < this.round / 2) path.lineTo(this.px, this.py);
      else path.moveTo(this.px, this.py);
      last = this.px;
    }
  }

  /** Puts `px`, `py` where a message is: on an arc, so that two ways between two nodes are apart. */
  at(i, share) {
    const { from, to } = this.run.column;
    const x0 = this.x[from[i]], y0 = this.y[from[i]], y1 = this.y[to[i]];
    let x1 = this.x[to[i]];
    // Around the world the shorter way, over the edge of the map.
    if (Math.abs(x1 - x0) > this.round / 2) x1 += x1 < x0 ? this.round : -this.round;
    const cx = (x0 + x1) / 2 + 0.14 * (y1 - y0), cy = (y0 + y1) / 2 - 0.14 * (x1 - x0);
    const s = 1 - share;
    this.px = s * s * x0 + 2 * s * share * cx + share * share * x1;
    if (this.px < 0) this.px += this.round;
    else if (this.px > this.round) this.px -= this.round;
    this.py = s * s * y0 + 2 * s * share * cy + share * share * y1;
  }

  selection() {
    const { context, ratio, colours, run } = this;
    context.strokeStyle = colours.ink;
    context.lineWidth = 2 * ratio;
    if (this.message >= 0) {
      const i = this.message, { from, to } = run.column;
      context.beginPath();
      this.line(context, i, 0, 1, 40);
      context.stroke();
      for (const [node, wide] of [[from[i], 3], [to[i], 6]]) this.ring(node, wide);
      this.at(i, Math.min(1, Math.max(0, run.progress(i))));
      context.beginPath();
      context.arc(this.px, this.py, 5 * ratio, 0, 2 * Math.PI);
      context.fillStyle = colours.ink;
      context.fill();
    }
    if (this.node >= 0) this.ring(this.node, 5);
  }

  ring(node, wide) {
    const { context, ratio } = this;
    context.beginPath();
    context.arc(this.x[node], this.y[node], this.radius + wide * ratio, 0, 2 * Math.PI);
    context.stroke();
  }

  /** What is at a point of the canvas: a node, a message, or neither. */
  hit(x, y) {
    const { run, ratio } = this;
    let node = -1, near = (this.radius + 8 * ratio) ** 2;
    for (let k = 0; k < run.size; k++) {
      const away = (this.x[k] - x) ** 2 + (this.y[k] - y) ** 2;
      if (away < near) [near, node] = [away, k];
    }
    if (node >= 0 && near <= (this.radius + 2 * ratio) ** 2) return { node };
    let message = -1, close = (8 * ratio) ** 2;
    for (const i of this.visible()) {
      this.at(i, run.progress(i));
      const away = (this.px - x) ** 2 + (this.py - y) ** 2;
      if (away < close) [close, message] = [away, i];
    }
    if (message >= 0) return { message };
    return node >= 0 ? { node } : {};
  }
}

function square(pixels, width, height, x, y, side, ink) {
  for (let dy = 0; dy < side; dy++) {
    const row = y + dy;
    if (row < 0 || row >= height) continue;
    for (let dx = 0; dx < side; dx++) {
      const across = x + dx;
      if (across >= 0 && across < width) pixels[row * width + across] = ink;
    }
  }
}
