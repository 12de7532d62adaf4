"use strict";
// Layout viewer: draws the cells of the page's data on a canvas, culls what is outside, leaves out what is smaller than a dot.
(() => {
  const data = JSON.parse(document.getElementById("scene").textContent);
  const NM = 1e-3;
  const QUIET = /^(SUBSTRATE|ASIC|FLOORPLAN|WG|HEATER|FIBER.*|CONNECTOR.*)$/, EDGE = /^(SUBSTRATE|ASIC|FLOORPLAN|CONNECTOR.*)$/; // seen below an overlay; of these only the edge
  const GUIDE = /(^|_)(straight|bend|taper)_/; // cells of bare waveguides, whose names would cover what they join
  for (const cell of data.cells) {
    cell.box = cell.box.map((v) => v * NM);
    cell.paths = new Map();
    cell.points = new Map();
    for (const [layer, outlines] of Object.entries(cell.shapes)) {
      cell.points.set(+layer, outlines.reduce((sum, o) => sum + o.length / 2, 0));
    }
    for (const p of cell.placed) for (const k of [1, 2, 8, 9, 10, 11]) p[k] *= NM;
  }
  const below = new Map(); // cell number -> set of layers drawn in it or under it
  const layersOf = (number) => {
    if (!below.has(number)) {
      const cell = data.cells[number], found = new Set(Object.keys(cell.shapes).map(Number));
      for (const p of cell.placed) for (const layer of layersOf(p[0])) found.add(layer);
      below.set(number, found);
    }
    return below.get(number);
  };
  const pathOf = (cell, layer) => {
    let path = cell.paths.get(layer);
    if (!path) {
      path = new Path2D();
      for (const steps of cell.shapes[layer] || []) {
        let x = steps[0], y = steps[1];
        path.moveTo(x * NM, y * NM);
        for (let i = 2; i < steps.length; i += 2) { x += steps[i]; y += steps[i + 1]; path.lineTo(x * NM, y * NM); }
        path.closePath();
      }
      cell.paths.set(layer, path);
    }
    return path;
  };
  // a transform is [a, b, c, d, e, f] as the canvas has it: x' = a x + c y + e, y' = b x + d y + f
  const times = (m, n) => [
    m[0] * n[0] + m[2] * n[1], m[1] * n[0] + m[3] * n[1], m[0] * n[2] + m[2] * n[3], m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4], m[1] * n[4] + m[3] * n[5] + m[5]];
  const placing = (p) => {
    const r = (p[3] * Math.PI) / 180, c = Math.cos(r), s = Math.sin(r), f = p[4] ? -1 : 1;
    return [c, s, -s * f, c * f, p[1], p[2]];
  };
  const boxIn = (m, [l, b, r, t]) => {
    const xs = [[l, b], [r, b], [l, t], [r, t]].map(([x, y]) => [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]]);
    return [Math.min(...xs.map((q) => q[0])), Math.min(...xs.map((q) => q[1])), Math.max(...xs.map((q) => q[0])), Math.max(...xs.map((q) => q[1]))];
  };

  class Viewer {
    constructor(root) {
      this.root = root;
      this.canvas = root.querySelector("canvas");
      this.context = this.canvas.getContext("2d");
      this.cell = data.cells.findIndex((c) => c.name === root.dataset.cell);
      if (this.cell < 0) this.cell = data.top;
      this.hidden = new Set();
      this.mark = null;
      this.quiet = root.dataset.look === "quiet";
      if (this.quiet) data.layers.forEach((layer, index) => { if (!QUIET.test(layer.name)) this.hidden.add(index); });
      else this.legend(root.querySelector(".layers"));
      root.viewer = this; // for the overlays of other scripts, which also hear "paint", "pick" and "hover"
      this.home();
      this.listen();
      new ResizeObserver(() => { // what was seen as a whole stays so, on a phone that is turned too
        if (!this.mark && this.whole.x === this.x && this.whole.y === this.y && this.whole.scale === this.scale) this.home();
        else { this.resize(); this.soon(); }
      }).observe(this.canvas);
    }
    get box() { return data.cells[this.cell].box; }
    home() {
      this.resize();
      const [l, b, r, t] = this.box;
      this.scale = 0.94 * Math.min(this.width / (r - l || 1), this.height / (t - b || 1));
      this.x = (l + r) / 2; this.y = (b + t) / 2; this.mark = null;
      this.whole = { x: this.x, y: this.y, scale: this.scale };
      this.soon();
    }
    resize() {
      const ratio = window.devicePixelRatio || 1;
      this.width = this.canvas.clientWidth; this.height = this.canvas.clientHeight; this.ratio = ratio;
      const w = Math.round(this.width * ratio), h = Math.round(this.height * ratio);
      if (this.canvas.width !== w || this.canvas.height !== h) { this.canvas.width = w; this.canvas.height = h; }
    }
    zoom(factor, px = this.width / 2, py = this.height / 2) {
      const next = Math.min(60, Math.max(this.scale * factor, 0.2 * Math.min(this.width, this.height) / Math.max(this.box[2] - this.box[0], this.box[3] - this.box[1])));
      const dx = (px - this.width / 2), dy = (this.height / 2 - py);
      this.x += dx / this.scale - dx / next; this.y += dy / this.scale - dy / next;
      this.scale = next; this.soon();
    }
    go(x, y, span, mark = true) {
      this.x = x; this.y = y; this.scale = Math.min(60, this.width / span); this.mark = mark ? [x, y] : null;
      this.soon();
    }
    tell(name, detail) { if (this.quiet) this.root.dispatchEvent(new CustomEvent(name, { detail })); }
    find(path) { // a placed cell by the path of its instance from the top: its number, and its transform in the top cell
      let number = data.top, m = [1, 0, 0, 1, 0, 0];
      for (const name of path.split("/")) {
        const cell = data.cells[number];
        if (!cell.byName) cell.byName = new Map(cell.placed.map((p) => [p[5], p]));
        const p = cell.byName.get(name);
        if (!p) return null;
        m = times(m, placing(p)); number = p[0];
      }
      return { number, m };
    }
    boxOf(found) { return boxIn(found.m, data.cells[found.number].box); }
    paint(found, wanted, color, view) { // the layers of a placed cell that match, in one colour
      const g = this.context, quiet = this.quiet;
      this.quiet = false; g.fillStyle = color;
      data.layers.forEach((layer, index) => { if (wanted.test(layer.name)) this.fill(found.number, index, times(view, found.m)); });
      this.quiet = quiet;
    }
    hits(found, wanted, x, y, near) { // whether a layer of a placed cell, or of what is in it, is within `near` um of a place
      const g = this.context, cell = data.cells[found.number], [l, b, r, t] = this.boxOf(found);
      if (x < l - near || x > r + near || y < b - near || y > t + near) return false;
      g.setTransform(...found.m); g.lineWidth = 2 * near;
      if (data.layers.some((layer, index) => wanted.test(layer.name) && cell.points.has(index) && g.isPointInStroke(pathOf(cell, index), x, y))) return true;
      return cell.placed.some((p) => this.hits({ number: p[0], m: times(found.m, placing(p)) }, wanted, x, y, near));
    }
    soon() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }
    draw() {
      const g = this.context, k = this.scale * this.ratio;
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.canvas.width, this.canvas.height);
      const view = [k, 0, 0, -k, this.canvas.width / 2 - k * this.x, this.canvas.height / 2 + k * this.y];
      this.tell("paint", { g, view, over: false });
      const soft = this.quiet && getComputedStyle(this.root).getPropertyValue("--soft");
      data.layers.forEach((layer, index) => {
        if (this.hidden.has(index)) return;
        g.fillStyle = soft || layer.color; g.globalAlpha = this.quiet ? (EDGE.test(layer.name) ? 0.8 : 0.3) : layer.opacity;
        this.fill(this.cell, index, view);
      });
      g.globalAlpha = 1;
      this.tell("paint", { g, view, over: true });
      this.names(view);
      this.bar();
    }
    fill(number, layer, m) {
      if (!layersOf(number).has(layer)) return;
      const cell = data.cells[number], [l, b, r, t] = boxIn(m, cell.box), g = this.context;
      if (r < 0 || t < 0 || l > this.canvas.width || b > this.canvas.height) return;
      const size = Math.max(r - l, t - b);
      if (size < 1.2) return;
      const points = cell.points.get(layer);
      if (points && size < 8) { // a dot
        g.setTransform(1, 0, 0, 1, 0, 0);
        g.fillRect(l, b, r - l, t - b);
      } else if (points && this.quiet && EDGE.test(data.layers[layer].name)) {
        g.setTransform(...m);
        g.strokeStyle = g.fillStyle; g.lineWidth = 1 / this.scale; g.stroke(pathOf(cell, layer));
      } else if (points && size * size * 8 > points) {
        g.setTransform(...m);
        g.fill(pathOf(cell, layer));
        if (/^(FIBER|WG|AIRWIRE)/.test(data.layers[layer].name)) { // a fibre, waveguide or trace stays a line where it is thinner than a dot
          g.strokeStyle = g.fillStyle; g.lineWidth = 0.5 / this.scale; g.stroke(pathOf(cell, layer));
        }
      }
      for (const p of cell.placed) {
        if (!layersOf(p[0]).has(layer)) continue;
        const own = placing(p);
        const pitch = Math.hypot(m[0], m[1]) * Math.max(Math.hypot(p[8], p[9]), Math.hypot(p[10], p[11]));
        if (p[6] * p[7] > 60 && pitch < 2.5) { this.field(p, own, m); continue; }
        for (let i = 0; i < p[6]; i++) for (let j = 0; j < p[7]; j++) {
          own[4] = p[1] + i * p[8] + j * p[10]; own[5] = p[2] + i * p[9] + j * p[11];
          this.fill(p[0], layer, times(m, own));
        }
      }
    }
    field(p, own, m) { // an array too fine to be seen: its area, thinner
      const [l, b, r, t] = boxIn(own, data.cells[p[0]].box), g = this.context;
      const dx = (p[6] - 1) * p[8] + (p[7] - 1) * p[10], dy = (p[6] - 1) * p[9] + (p[7] - 1) * p[11], alpha = g.globalAlpha;
      g.setTransform(...m); g.globalAlpha = alpha * 0.35;
      g.fillRect(Math.min(l, l + dx), Math.min(b, b + dy), r - l + Math.abs(dx), t - b + Math.abs(dy));
      g.globalAlpha = alpha;
    }
    names(m) {
      const g = this.context, ink = getComputedStyle(this.root).getPropertyValue("--ink");
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.font = `600 ${11 * this.ratio}px system-ui, sans-serif`; g.textAlign = "center"; g.textBaseline = "middle";
      g.lineWidth = 3 * this.ratio; g.strokeStyle = getComputedStyle(this.root).getPropertyValue("--panel"); g.fillStyle = ink;
      const taken = [];
      for (const p of this.named()) {
        const [l, b, r, t] = boxIn(times(m, placing(p)), data.cells[p[0]].box);
        if (Math.max(r - l, t - b) < 7 * this.ratio || r - l > 3 * this.canvas.width) continue;
        const cut = p[5].indexOf("_"), fits = (name) => g.measureText(name).width < 1.1 * (r - l);
        const name = fits(p[5]) || cut < 0 ? p[5] : p[5].slice(cut + 1).replaceAll("_", "-");
        const x = (l + r) / 2, y = (b + t) / 2, w = g.measureText(name).width / 2 + 2, h = 8 * this.ratio;
        if (taken.some(([u, v, q]) => Math.abs(x - u) < w + q && Math.abs(y - v) < 2 * h)) continue;
        taken.push([x, y, w]);
        g.strokeText(name, x, y); g.fillText(name, x, y);
      }
      if (this.mark) {
        const [x, y] = [m[0] * this.mark[0] + m[4], m[3] * this.mark[1] + m[5]];
        g.strokeStyle = ink; g.lineWidth = 1.5 * this.ratio; g.beginPath(); g.arc(x, y, 14 * this.ratio, 0, 7); g.stroke();
      }
    }
    named() { // instances with a name that are more than a fibre or a bare waveguide: dies first, then what lies on top
      if (!this.labels) {
        const index = (name) => data.layers.findIndex((layer) => layer.name === name), die = index("FLOORPLAN");
        const thin = new Set(data.layers.flatMap((layer, k) => (/^FIBER/.test(layer.name) ? [k] : []))), [l, b, r, t] = this.box;
        const frame = (p) => { const x = data.cells[p[0]].box; return (x[2] - x[0]) * (x[3] - x[1]) > 0.7 * (r - l) * (t - b); };
        this.labels = data.cells[this.cell].placed
          .filter((p) => p[5] && !frame(p) && !GUIDE.test(data.cells[p[0]].name))
          .filter((p) => [...layersOf(p[0])].some((layer) => !thin.has(layer)))
          .sort((p, q) => layersOf(q[0]).has(die) - layersOf(p[0]).has(die) || Math.max(...layersOf(q[0])) - Math.max(...layersOf(p[0])));
      }
      return this.labels;
    }
    bar() {
      const g = this.context, target = 110 / this.scale, unit = 10 ** Math.floor(Math.log10(target));
      const length = [5, 2, 1].map((s) => s * unit).find((v) => v <= target), px = length * this.scale * this.ratio;
      const label = length >= 1000 ? `${length / 1000} mm` : length >= 1 ? `${length} µm` : `${Math.round(length * 1000)} nm`;
      const x = 14 * this.ratio, y = this.canvas.height - 14 * this.ratio;
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.fillStyle = getComputedStyle(this.root).getPropertyValue("--ink");
      g.fillRect(x, y, px, 3 * this.ratio);
      g.font = `${11 * this.ratio}px system-ui, sans-serif`; g.textAlign = "left"; g.textBaseline = "bottom";
      if (this.quiet) { g.lineWidth = 3 * this.ratio; g.strokeStyle = getComputedStyle(this.root).getPropertyValue("--panel"); g.strokeText(label, x, y - 3 * this.ratio); g.strokeRect(x, y, px, 3 * this.ratio); g.fillRect(x, y, px, 3 * this.ratio); }
      g.fillText(label, x, y - 3 * this.ratio);
    }
    legend(list) {
      const present = layersOf(this.cell);
      data.layers.forEach((layer, index) => {
        if (!present.has(index)) return;
        const item = document.createElement("label"), box = document.createElement("input"), dot = document.createElement("i");
        box.type = "checkbox"; box.checked = true; dot.style.background = layer.color;
        box.addEventListener("change", () => { box.checked ? this.hidden.delete(index) : this.hidden.add(index); this.soon(); });
        item.title = layer.about; item.append(box, dot, layer.name); list.append(item);
      });
    }
    listen() {
      const c = this.canvas, fingers = new Map();
      let down = null; // where a click began
      const place = (e) => { const r = c.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
      c.addEventListener("wheel", (e) => { e.preventDefault(); this.zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0016)), ...place(e)); }, { passive: false });
      c.addEventListener("pointerdown", (e) => { c.setPointerCapture(e.pointerId); fingers.set(e.pointerId, place(e)); down = place(e); });
      c.addEventListener("click", (e) => {
        const [px, py] = place(e);
        if (!down || Math.hypot(px - down[0], py - down[1]) > 4) return;
        this.tell("pick", { x: this.x + (px - this.width / 2) / this.scale, y: this.y - (py - this.height / 2) / this.scale, scale: this.scale });
      });
      c.addEventListener("pointermove", (e) => {
        const old = fingers.get(e.pointerId);
        const at = place(e);
        this.readout(at);
        if (!old) return;
        if (fingers.size === 1) { this.x -= (at[0] - old[0]) / this.scale; this.y += (at[1] - old[1]) / this.scale; this.soon(); }
        else {
          const other = [...fingers].find(([id]) => id !== e.pointerId)[1], span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
          this.zoom(span(at) / (span(old) || 1), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
        }
        fingers.set(e.pointerId, at);
      });
      for (const end of ["pointerup", "pointercancel"]) c.addEventListener(end, (e) => fingers.delete(e.pointerId));
      c.addEventListener("dblclick", (e) => this.zoom(2.5, ...place(e)));
      c.addEventListener("keydown", (e) => {
        const step = 60 / this.scale, moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
        if (moves[e.key]) { this.x += moves[e.key][0]; this.y += moves[e.key][1]; this.soon(); }
        else if (e.key === "+" || e.key === "=") this.zoom(1.5);
        else if (e.key === "-") this.zoom(1 / 1.5);
        else if (e.key === "0") this.home();
        else if (e.key === "Enter" && this.quiet) this.tell("pick", { x: this.x, y: this.y, scale: this.scale });
        else return;
        e.preventDefault();
      });
      for (const button of this.root.querySelectorAll("button[data-do]")) {
        button.addEventListener("click", () => ({ in: () => this.zoom(1.6), out: () => this.zoom(1 / 1.6), home: () => this.home() })[button.dataset.do]());
      }
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
    }
    readout([px, py]) {
      const x = this.x + (px - this.width / 2) / this.scale, y = this.y - (py - this.height / 2) / this.scale;
      this.root.querySelector(".at").textContent = `${x.toFixed(2)}, ${y.toFixed(2)} µm`;
      this.tell("hover", { x, y });
    }
  }

  document.body.classList.add("live");
  const viewers = [...document.querySelectorAll(".viewer")].map((root) => new Viewer(root));
  document.addEventListener("click", (e) => {
    const button = e.target.closest("button[data-x]");
    if (!button || !viewers.length) return; // the first is the package
    viewers[0].go(+button.dataset.x, +button.dataset.y, 60);
    viewers[0].root.scrollIntoView({ behavior: "smooth", block: "center" });
  });
  const filter = document.getElementById("filter");
  if (filter) filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.querySelectorAll("#lanes tbody tr")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
    }
  });
})();
