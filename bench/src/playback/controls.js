// One clock for all runs of the page, and what moves it: buttons, keys, the line of time.

const byId = (id) => document.getElementById(id);

class Player {
  constructor(runs) {
    this.runs = runs;
    this.from = Math.min(...runs.map((run) => run.from));
    this.to = Math.max(...runs.map((run) => run.to));
    this.time = this.from;
    this.playing = false;
    this.frames = 0;
    this.frameMs = 0;
    this.stages = runs.map((run) => this.stage(run));
    this.timeline = new Timeline(byId("timeline"), this);
    this.wire();
    this.setSpeed(0);
    this.refresh();
  }

  stage(run) {
    const figure = make("figure", undefined, "stage");
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `The network of ${run.label} and the messages on their way`);
    const parts = {
      legend: make("p", undefined, "legend"),
      kinds: make("p", undefined, "kinds"),
      box: make("div", undefined, "details"),
      notes: make("ul", undefined, "notes"),
    };
    const heading = make("h2", this.runs.length > 1 ? run.label : "");
    const small = make("small", ` ${run.protocol}, ${counted(run.nodes)} nodes, seed ${run.seed}`);
    if (this.runs.length > 1) heading.append(small);
    figure.append(heading, canvas, parts.legend, parts.kinds, parts.notes, parts.box);
    heading.hidden = this.runs.length === 1;
    byId("stages").append(figure);
    const view = new View(run, canvas);
    const select = ({ node = -1, message = -1 }) => {
      [view.node, view.message] = [node, message];
      this.refresh();
    };
    const details = new Details(run, view, parts, {
      select, go: (time) => this.seek(time), refresh: () => this.refresh(),
    });
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = canvas.width / box.width;
      select(view.hit((event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
    });
    return { run, view, details, select };
  }

  wire() {
    byId("play").addEventListener("click", () => this.toggle());
    byId("back").addEventListener("click", () => this.step(false));
    byId("next").addEventListener("click", () => this.step(true));
    byId("speed").addEventListener("input", (event) => this.setSpeed(Number(event.target.value)));
    const colour = byId("colour");
    colour.append(new Option("state", ""));
    for (const name of new Set(this.runs.flatMap((run) => run.spokenKinds().map((kind) => run.outputs[kind])))) {
      colour.append(new Option(`latest \`${name}\``, name));
    }
    colour.parentElement.hidden = colour.length === 1;
    colour.addEventListener("change", () => this.colourBy(colour.value));
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => { this.stages.forEach(({ view }) => view.resize()); this.refresh(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.stages.forEach(({ view }) => view.paint());
      this.refresh();
    });
  }

  /** `""` or the name of an output. */
  colourBy(name) {
    for (const { run, view } of this.stages) view.mode = name === "" ? -1 : run.outputs.indexOf(name);
    this.refresh();
  }

  key(event) {
    const onButton = ["BUTTON", "SELECT"].includes(event.target.tagName);
    if (event.ctrlKey || event.metaKey || event.altKey || (onButton && [" ", "Enter"].includes(event.key))) return;
    const onSlider = event.target.id === "speed";
    const actions = {
      " ": () => this.toggle(),
      ArrowRight: () => this.step(true),
      ArrowLeft: () => this.step(false),
      Home: () => this.seek(this.from),
      End: () => this.seek(this.to),
      "[": () => this.setSpeed(this.speed - 4),
      "]": () => this.setSpeed(this.speed + 4),
      Escape: () => this.stages.forEach(({ select }) => select({})),
    };
    const action = actions[event.key];
    if (!action || (onSlider && event.key !== " ")) return;
    event.preventDefault();
    action();
  }

  /** All of it takes 25 s at 0; 20 steps are a factor of ten. */
  setSpeed(speed) {
    this.speed = Math.max(-40, Math.min(40, speed));
    byId("speed").value = this.speed;
    this.pace = (this.to - this.from) / 25 * 10 ** (this.speed / 20);
    byId("pace").textContent = `${span(this.pace, 2)} per second`;
  }

  toggle() {
    this.playing = !this.playing;
    if (this.playing && this.time >= this.to) this.seek(this.from);
    byId("play").textContent = this.playing ? "Pause" : "Play";
    this.last = undefined;
    if (this.playing) requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    if (!this.playing) return;
    const passed = Math.min(100, now - (this.last ?? now));
    this.last = now;
    const begun = performance.now();
    this.time = Math.min(this.to, this.time + this.pace * passed / 1000);
    this.frames += 1;
    this.show(this.frames % 6 === 0);
    this.frameMs += (performance.now() - begun - this.frameMs) / Math.min(30, this.frames);
    if (this.time >= this.to) this.toggle();
    else requestAnimationFrame((next) => this.frame(next));
    if (!this.playing) this.show(true);
  }

  seek(time) {
    this.time = Math.max(this.from, Math.min(this.to, time));
    this.refresh();
  }

  /** To the next or previous message that arrives in any of the runs; it is chosen. */
  step(forward) {
    if (this.playing) this.toggle();
    const found = this.stages
      .map((stage) => ({ stage, message: stage.run.neighbour(this.time, forward, stage.view.message) }))
      .filter(({ message }) => message >= 0)
      .sort((a, b) => (forward ? 1 : -1) *
        (a.stage.run.arrive[a.message] - b.stage.run.arrive[b.message]))[0];
    if (!found) return;
    for (const { view } of this.stages) view.node = view.message = -1;
    found.stage.view.message = found.message;
    this.seek(found.stage.run.arrive[found.message]);
  }

  refresh() {
    this.show(true);
  }

  /** Words are brought up to date less often than the picture: nobody reads them sixty times a second. */
  show(words) {
    for (const { run, view, details } of this.stages) {
      run.seek(Math.min(this.time, run.to));
      view.draw();
      if (!words) continue;
      details.update();
      if (!this.playing) details.show();
    }
    this.timeline.draw();
    byId("clock").textContent = `${instant(this.time, this.to - this.from)} of ${instant(this.to, this.to - this.from)}`;
    byId("timeline").setAttribute("aria-valuetext", byId("clock").textContent);
  }
}

/** Messages over time, faults shaded, and where the clock stands; a click or drag seeks. */
class Timeline {
  constructor(canvas, player) {
    Object.assign(this, { canvas, player });
    const seek = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      player.seek(player.from + share * (player.to - player.from));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    canvas.addEventListener("pointermove", (event) => { if (event.buttons) seek(event); });
  }

  draw() {
    const { canvas, player } = this, context = canvas.getContext("2d");
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const colours = player.stages[0].view.colours;
    context.clearRect(0, 0, width, height);
    const place = (ns) => (ns - player.from) / (player.to - player.from) * width;
    const part = height / player.stages.length;
    player.stages.forEach(({ run }, row) => {
      const bottom = (row + 1) * part - 1;
      context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--shade");
      for (const fault of run.faults) {
        const [from, to] = [place(fault.from), place(fault.to ?? run.to)];
        context.fillRect(from, row * part, Math.max(ratio, to - from), part);
      }
      const most = Math.max(1, ...run.activity), step = (run.to - run.from) / run.activity.length;
      context.fillStyle = colours.hues[1];
      run.activity.forEach((n, i) => {
        const [left, right] = [place(run.from + i * step), place(run.from + (i + 1) * step)];
        const tall = n ? Math.max(ratio, (part - 6) * n / most) : 0;
        context.fillRect(left, bottom - tall, Math.max(1, right - left - 0.5), tall);
      });
      this.curve(context, run, place, row * part + 4, bottom, colours.hues[0]);
    });
    context.fillStyle = colours.ink;
    context.fillRect(place(player.time) - ratio, 0, 2 * ratio, height);
  }

  /** The share of the nodes that are reached. */
  curve(context, run, place, top, bottom, colour) {
    const all = run.reachOrder.length, every = Math.max(1, Math.ceil(all / 400));
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(place(run.from), bottom);
    for (let k = 0; k < all; k += every) {
      context.lineTo(place(Math.max(run.from, run.reach[run.reachOrder[k]])), bottom - (bottom - top) * (k + 1) / run.size);
    }
    context.lineTo(place(run.to), bottom - (bottom - top) * all / run.size);
    context.stroke();
  }
}

(async () => {
  const state = byId("state");
  try {
    const texts = [...document.querySelectorAll("[data-run]")];
    const runs = [];
    for (const text of texts) runs.push(new Run(await unpack(text.textContent)));
    for (const text of texts) text.remove();
    byId("controls").hidden = false;
    const player = new Player(runs);
    // What a test, or a reader with a console, can ask and do.
    window.anthillPlayback = {
      from: player.from,
      to: player.to,
      get time() { return player.time; },
      get playing() { return player.playing; },
      get frameMs() { return player.frameMs; },
      get frames() { return player.frames; },
      runs: player.stages.map(({ run, view, details }) => ({
        get messages() { return run.count; },
        get nodes() { return run.size; },
        get onTheWay() { return view.onTheWay; },
        get states() { return Object.fromEntries(details.counts); },
        get chosen() { return { node: view.node, message: view.message }; },
        /** Where a node or message is, in pixels of the window. */
        place({ node = -1, message = -1 }) {
          const box = view.canvas.getBoundingClientRect(), scale = box.width / view.canvas.width;
          if (message >= 0) view.at(message, run.progress(message));
          const [x, y] = message >= 0 ? [view.px, view.py] : [view.x[node], view.y[node]];
          return { x: box.left + x * scale, y: box.top + y * scale };
        },
        get flying() { return view.visible(); },
      })),
      seek: (ns) => player.seek(ns),
    };
    state.textContent = "";
    state.hidden = true;
  } catch (problem) {
    state.textContent = `This browser cannot play the run: ${problem}`;
    throw problem;
  }
})();
