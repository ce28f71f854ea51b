// A network on a canvas: land, regions, edges, and its nodes as circles in the colours of their states.

/** More nodes than this are not drawn as circles. */
const MANY_NODES = 2500;

/** The page's colours, which follow the theme. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const hues = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => of(`--c${i}`));
  return { hues, page: of("--page"), ink: of("--ink"), faint: of("--faint"), rule: of("--rule") };
}

/** What a mark on the map means, and how many there are. */
function legendEntry([mark, colour, name, n]) {
  const [item, sign, count] = ["span", "i", "b"].map((tag) => document.createElement(tag));
  item.className = "state";
  sign.textContent = mark;
  sign.style.color = colour;
  count.textContent = n.toLocaleString("en");
  item.append(sign, ` ${name} `, count);
  return item;
}

/**
 * `run` has the layout: `width`, `height`, `land`, `regions`, and columns by node and edge. Who extends it says
 * which of `nodeColours()` a node has (`colourOf`); the first is that of a hollow circle, `downColour` of a cross.
 */
class NetworkMap {
  constructor(run, canvas) {
    Object.assign(this, { run, canvas });
    this.context = canvas.getContext("2d");
    this.base = document.createElement("canvas");
  }

  /** Those of the size of the page's. */
  canvases() {
    return [this.canvas, this.base];
  }

  resize() {
    const { run } = this, ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.max(200, this.canvas.clientWidth);
    const height = width * run.height / run.width;
    this.ratio = ratio;
    this.scale = width / run.width * ratio;
    for (const canvas of this.canvases()) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    this.canvas.style.height = `${height}px`;
    const { node_x, node_y } = run.column;
    this.x = Float32Array.from(node_x, (x) => x / 65535 * this.canvas.width);
    this.y = Float32Array.from(node_y, (y) => y / 65535 * this.canvas.height);
    const n = run.size;
    this.radius = ratio * (n <= 60 ? 7 : n <= 500 ? 4 : n <= MANY_NODES ? 2.4 : 1);
    this.paint();
  }

  /** Takes the theme's colours, and draws what does not move. */
  paint() {
    this.colours = palette();
    const context = this.base.getContext("2d");
    const { run, scale, ratio, colours } = this;
    context.clearRect(0, 0, this.base.width, this.base.height);
    context.fillStyle = colours.rule;
    context.globalAlpha = 0.45;
    for (const outline of run.land) {
      context.beginPath();
      for (let i = 0; i < outline.length; i += 2) {
        context.lineTo(outline[i] / 1000 * scale, outline[i + 1] / 1000 * scale);
      }
      context.closePath();
      context.fill();
    }
    context.globalAlpha = 1;
    context.strokeStyle = colours.rule;
    context.lineWidth = ratio;
    const { edge_from, edge_to } = run.column;
    context.beginPath();
    edge_from.forEach((from, i) => {
      context.moveTo(this.x[from], this.y[from]);
      context.lineTo(this.x[edge_to[i]], this.y[edge_to[i]]);
    });
    context.stroke();
    this.labels(context);
  }

  regionLabel(region) {
    return region.name;
  }

  labels(context) {
    const { run, scale, ratio, colours } = this;
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.fillStyle = colours.faint;
    context.strokeStyle = colours.rule;
    run.regions.forEach((region, i) => {
      const [x, y, r] = [region.x * scale, region.y * scale, region.radius * scale];
      context.beginPath();
      context.arc(x, y, r, 0, 2 * Math.PI);
      context.stroke();
      // Of very many, the largest.
      if (i >= 40) return;
      const below = y + r + 12 * ratio;
      context.fillText(this.regionLabel(region), x, below < this.base.height ? below : y - r - 4 * ratio);
    });
  }

  nodeCircles(colours) {
    const { context, run, radius, ratio } = this;
    const held = run.column.node_held;
    colours.forEach((colour, state) => {
      context.beginPath();
      for (let node = 0; node < run.size; node++) {
        if (this.colourOf(node) !== state) continue;
        const [x, y] = [this.x[node], this.y[node]];
        if (state === this.downColour) {
          context.moveTo(x - radius, y - radius);
          context.lineTo(x + radius, y + radius);
          context.moveTo(x + radius, y - radius);
          context.lineTo(x - radius, y + radius);
        } else if (held[node]) {
          context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
        } else {
          context.moveTo(x + radius, y);
          context.arc(x, y, radius, 0, 2 * Math.PI);
        }
      }
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = 1.2 * ratio;
      if (state === 0) {
        context.fillStyle = this.colours.page;
        context.fill();
        context.stroke();
      } else if (state === this.downColour) context.stroke();
      else context.fill();
    });
    // Who is held is known by its shape, and framed.
    context.strokeStyle = this.colours.hues[6];
    context.lineWidth = 2 * ratio;
    for (let node = 0; node < run.size; node++) {
      if (!held[node]) continue;
      const side = radius + 2 * ratio;
      context.strokeRect(this.x[node] - side, this.y[node] - side, 2 * side, 2 * side);
    }
  }
}
