"use strict";
// The package in space: reads the GLB of the page (mm, z upwards, one node a layer) and draws it with WebGL 2.
(() => {
  const root = document.querySelector(".view3d"), source = document.getElementById("package3d");
  if (!root || !source) return;
  const canvas = root.querySelector("canvas"), at = root.querySelector(".at");
  const gl = canvas.getContext("webgl2", { antialias: true, alpha: false });
  if (!gl) return; // the note below stays
  root.classList.add("live");
  const bytes = Uint8Array.from(atob(source.textContent.trim()), (c) => c.charCodeAt(0));

  // ---- the file
  const view = new DataView(bytes.buffer), jsonLength = view.getUint32(12, true);
  const doc = JSON.parse(new TextDecoder().decode(bytes.subarray(20, 20 + jsonLength))), data = 28 + jsonLength;
  const read = (number) => {
    const a = doc.accessors[number], b = doc.bufferViews[a.bufferView], start = data + b.byteOffset, n = a.count * (a.type === "VEC3" ? 3 : 1);
    return new ({ 5126: Float32Array, 5125: Uint32Array, 5123: Uint16Array })[a.componentType](bytes.buffer.slice(start, start + b.byteLength), 0, n);
  };
  const colorOf = (material) => {
    const [r, g, b, alpha] = doc.materials[material].pbrMetallicRoughness.baseColorFactor;
    const srgb = (v) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
    return [srgb(r), srgb(g), srgb(b), alpha];
  };

  // ---- what is drawn: one batch a layer; a fibre is its middle and a direction outwards, so that it never gets thinner than a dot
  const SIDES = 6, batches = [], parts = [], fibres = [];
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  const grow = (p, i) => { for (let k = 0; k < 3; k++) { low[k] = Math.min(low[k], p[i + k]); high[k] = Math.max(high[k], p[i + k]); } };
  const solidBatch = (node, batch) => {
    const places = [], numbers = [], edges = [];
    for (const child of node.children || []) {
      const name = doc.nodes[child].name, part = doc.meshes[doc.nodes[child].mesh].primitives[0];
      const p = read(part.attributes.POSITION), f = read(part.indices), base = places.length / 3;
      const box = { name, low: [Infinity, Infinity, Infinity], high: [-Infinity, -Infinity, -Infinity], batch };
      for (let i = 0; i < p.length; i += 3) {
        grow(p, i); places.push(p[i], p[i + 1], p[i + 2]);
        for (let k = 0; k < 3; k++) { box.low[k] = Math.min(box.low[k], p[i + k]); box.high[k] = Math.max(box.high[k], p[i + k]); }
      }
      parts.push(box);
      const sides = new Map();
      for (let i = 0; i < f.length; i += 3) {
        const [a, b, c] = [f[i] * 3, f[i + 1] * 3, f[i + 2] * 3];
        const u = [0, 1, 2].map((k) => p[b + k] - p[a + k]), v = [0, 1, 2].map((k) => p[c + k] - p[a + k]);
        const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]], size = Math.hypot(...n) || 1;
        for (const [s, t] of [[f[i], f[i + 1]], [f[i + 1], f[i + 2]], [f[i + 2], f[i]]]) {
          const key = s < t ? s * 1e6 + t : t * 1e6 + s, other = sides.get(key);
          if (!other) sides.set(key, n.map((x) => x / size));
          else if (other[0] * n[0] + other[1] * n[1] + other[2] * n[2] < 0.9 * size) edges.push(base + s, base + t);
        }
        numbers.push(base + f[i], base + f[i + 1], base + f[i + 2]);
      }
    }
    return { places, outs: new Float32Array(places.length), numbers, edges };
  };
  const fibreBatch = (node, part, batch) => {
    const p = read(part.attributes.POSITION), places = [], outs = [], numbers = [];
    let first = 0;
    node.extras.counts.forEach((count, which) => {
      const start = places.length / 3;
      fibres.push({ name: node.extras.names[which], points: p.subarray(first * 3, (first + count) * 3), batch });
      for (let i = 0; i < count; i++) {
        const o = (first + i) * 3, a = (first + Math.max(0, i - 1)) * 3, b = (first + Math.min(count - 1, i + 1)) * 3;
        let t = [0, 1, 2].map((k) => p[b + k] - p[a + k]); const length = Math.hypot(...t) || 1; t = t.map((v) => v / length);
        const flat = Math.hypot(t[0], t[1]) || 1, s = [t[1] / flat, -t[0] / flat, 0], u = [s[1] * t[2] - s[2] * t[1], s[2] * t[0] - s[0] * t[2], s[0] * t[1] - s[1] * t[0]];
        grow(p, o);
        for (let k = 0; k < SIDES; k++) {
          const c = Math.cos((2 * Math.PI * k) / SIDES), d = Math.sin((2 * Math.PI * k) / SIDES);
          places.push(p[o], p[o + 1], p[o + 2]); outs.push(s[0] * c + u[0] * d, s[1] * c + u[1] * d, s[2] * c + u[2] * d);
          if (i) { const e = start + i * SIDES + k, f = start + i * SIDES + ((k + 1) % SIDES); numbers.push(e - SIDES, f, f - SIDES, e - SIDES, e, f); }
        }
      }
      first += count;
    });
    return { places, outs: new Float32Array(outs), numbers, edges: [], half: node.extras.width_mm / 2 };
  };
  const buffer = (target, values) => { const b = gl.createBuffer(); gl.bindBuffer(target, b); gl.bufferData(target, values, gl.STATIC_DRAW); return b; };
  for (const number of doc.nodes[0].children) {
    const node = doc.nodes[number], about = node.extras;
    const part = doc.meshes[node.mesh ?? doc.nodes[node.children[0]].mesh].primitives[0];
    const batch = { layer: about.layer, about: about.about, clear: !!about.clear, color: colorOf(part.material), shown: about.layer !== "AIRWIRE", half: 0 };
    let made;
    if (about.counts) made = fibreBatch(node, part, batch);
    else if (part.mode === 1) { const p = read(part.attributes.POSITION); made = { places: p, outs: new Float32Array(p.length), numbers: [], edges: Array.from(read(part.indices)), wires: true }; }
    else made = solidBatch(node, batch);
    Object.assign(batch, { half: made.half || 0, wires: !!made.wires, count: made.numbers.length, lines: made.edges.length, vao: gl.createVertexArray(), edgeVao: gl.createVertexArray() });
    const places = buffer(gl.ARRAY_BUFFER, new Float32Array(made.places)), outs = buffer(gl.ARRAY_BUFFER, made.outs);
    for (const [vao, list] of [[batch.vao, made.numbers], [batch.edgeVao, made.edges]]) {
      gl.bindVertexArray(vao);
      [places, outs].forEach((b, slot) => { gl.bindBuffer(gl.ARRAY_BUFFER, b); gl.enableVertexAttribArray(slot); gl.vertexAttribPointer(slot, 3, gl.FLOAT, false, 0, 0); });
      buffer(gl.ELEMENT_ARRAY_BUFFER, new Uint32Array(list));
      gl.bindVertexArray(null);
    }
    batches.push(batch);
  }

  // ---- the program
  const shader = (kind, text) => {
    const s = gl.createShader(kind); gl.shaderSource(s, "#version 300 es\nprecision highp float;\n" + text); gl.compileShader(s);
    if (!gl.getShaderParameter(s, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(s));
    return s;
  };
  const program = gl.createProgram();
  gl.attachShader(program, shader(gl.VERTEX_SHADER, `
    layout(location = 0) in vec3 place; layout(location = 1) in vec3 outward;
    uniform mat4 camera; uniform float half_width, dot_size; out vec3 world; out vec3 normal;
    void main() {
      float depth = (camera * vec4(place, 1.0)).w;
      world = place + outward * max(half_width, 0.55 * dot_size * depth); normal = outward;
      gl_Position = camera * vec4(world, 1.0);
    }`));
  gl.attachShader(program, shader(gl.FRAGMENT_SHADER, `
    in vec3 world; in vec3 normal; uniform vec4 color; uniform vec3 eye; uniform float plain; out vec4 result;
    void main() {
      vec3 n = dot(normal, normal) > 0.2 ? normalize(normal) : normalize(cross(dFdx(world), dFdy(world)));
      vec3 towards = normalize(eye - world);
      if (dot(n, towards) < 0.0) n = -n;
      float sky = 0.5 + 0.5 * n.z, lamp = max(dot(n, normalize(towards + vec3(0.3, -0.5, 0.9))), 0.0);
      float light = mix(0.42 + 0.22 * sky + 0.42 * lamp, 1.0, plain);
      result = vec4(color.rgb * light, color.a);
    }`));
  gl.linkProgram(program); gl.useProgram(program);
  const slot = Object.fromEntries(["camera", "half_width", "dot_size", "color", "eye", "plain"].map((n) => [n, gl.getUniformLocation(program, n)]));

  // ---- the camera: turns round a point
  const FOV = 0.6, TAN = Math.tan(FOV / 2), camera = {};
  const axes = () => {
    const { yaw, pitch } = camera, cy = Math.cos(yaw), sy = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch);
    return { right: [cy, sy, 0], up: [-sy * sp, cy * sp, cp], back: [sy * cp, -cy * cp, sp] }; // yaw 0: from the south
  };
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const along = (p, v, s) => p.map((x, k) => x + v[k] * s);
  const fit = (a, b) => { // a few rounds: as near as all corners allow, then what they leave free shared out evenly
    const { right, up, back } = axes(), tall = TAN, wide = (TAN * canvas.clientWidth) / Math.max(1, canvas.clientHeight);
    const corners = Array.from({ length: 8 }, (_, c) => [0, 1, 2].map((k) => ((c >> k) & 1 ? b : a)[k]));
    camera.target = a.map((v, k) => (v + b[k]) / 2);
    for (let round = 0; round < 6; round++) {
      const seen = corners.map((c) => c.map((v, k) => v - camera.target[k])).map((p) => [dot(p, right), dot(p, up), dot(p, back)]);
      camera.distance = 1.05 * Math.max(1, ...seen.map(([x, y, z]) => z + Math.max(Math.abs(x) / wide, Math.abs(y) / tall)));
      for (const [axis, vector] of [[0, right], [1, up]]) {
        const ends = seen.map((p) => p[axis] / (camera.distance - p[2])), off = (Math.min(...ends) + Math.max(...ends)) / 2;
        camera.target = along(camera.target, vector, off * camera.distance);
      }
    }
  };
  let whole = ""; // the camera that sees all of it
  const home = (pitch = 0.62, yaw = -0.35) => {
    Object.assign(camera, { pitch, yaw });
    fit(low, high); whole = JSON.stringify(camera); soon();
  };
  const board = parts.find((p) => p.batch.layer === "SUBSTRATE");
  const close = () => { Object.assign(camera, { pitch: 0.75, yaw: -0.5 }); board ? fit(board.low, board.high) : fit(low, high); soon(); };
  const matrix = () => {
    const { right, up, back } = axes(), eye = along(camera.target, back, camera.distance), reach = Math.hypot(...high.map((v, k) => v - low[k]));
    const far = camera.distance + reach, near = Math.max(camera.distance * 0.02, camera.distance - reach), aspect = canvas.width / canvas.height;
    const f = 1 / TAN, rows = [right.map((v) => (v * f) / aspect), up.map((v) => v * f), back, back];
    const shift = rows.map((r) => -dot(r, eye)), a = -(far + near) / (far - near), b = (-2 * far * near) / (far - near);
    const m = new Float32Array(16);
    for (let k = 0; k < 3; k++) { m[4 * k] = rows[0][k]; m[4 * k + 1] = rows[1][k]; m[4 * k + 2] = a * back[k]; m[4 * k + 3] = -back[k]; }
    m[12] = shift[0]; m[13] = shift[1]; m[14] = a * shift[2] + b; m[15] = -shift[2];
    return { m, eye };
  };
  let waiting = false, now = null;
  const soon = () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } };
  const css = (name) => {
    const probe = document.createElement("i"); probe.style.color = `var(${name})`; root.append(probe);
    const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number); probe.remove();
    return [r / 255, g / 255, b / 255];
  };
  const draw = () => {
    const ratio = window.devicePixelRatio || 1, w = Math.max(1, Math.round(canvas.clientWidth * ratio)), h = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    now = matrix();
    const paper = css("--panel"), ink = css("--ink");
    gl.viewport(0, 0, w, h); gl.clearColor(...paper, 1); gl.depthMask(true); gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST); gl.enable(gl.POLYGON_OFFSET_FILL); gl.depthFunc(gl.LEQUAL); gl.polygonOffset(2, 6); gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniformMatrix4fv(slot.camera, false, now.m); gl.uniform3fv(slot.eye, now.eye); gl.uniform1f(slot.dot_size, (2 * TAN) / h);
    for (const clear of [false, true]) {
      if (clear) { gl.enable(gl.BLEND); gl.depthMask(false); } else gl.disable(gl.BLEND);
      for (const batch of batches) {
        if (!batch.shown || batch.clear !== clear) continue;
        gl.uniform1f(slot.half_width, batch.half);
        if (batch.count) {
          gl.uniform4fv(slot.color, batch.color); gl.uniform1f(slot.plain, 0);
          gl.bindVertexArray(batch.vao);
          if (!batch.half) gl.uniform1f(slot.dot_size, 0);
          gl.drawElements(gl.TRIANGLES, batch.count, gl.UNSIGNED_INT, 0);
        }
        if (batch.lines) {
          gl.enable(gl.BLEND);
          gl.uniform4fv(slot.color, batch.wires ? [...batch.color.slice(0, 3), 0.5] : [...ink, 0.45]); gl.uniform1f(slot.plain, 1);
          gl.bindVertexArray(batch.edgeVao); gl.drawElements(gl.LINES, batch.lines, gl.UNSIGNED_INT, 0);
          if (!clear) gl.disable(gl.BLEND);
        }
        gl.uniform1f(slot.dot_size, (2 * TAN) / h);
      }
    }
    gl.bindVertexArray(null);
  };

  // ---- what is under the pointer
  const project = (p, i) => {
    const m = now.m, w = m[3] * p[i] + m[7] * p[i + 1] + m[11] * p[i + 2] + m[15];
    if (w <= 0) return null;
    return [((m[0] * p[i] + m[4] * p[i + 1] + m[8] * p[i + 2] + m[12]) / w + 1) * 0.5 * canvas.clientWidth, (1 - (m[1] * p[i] + m[5] * p[i + 1] + m[9] * p[i + 2] + m[13]) / w) * 0.5 * canvas.clientHeight, w];
  };
  const rayAt = ([x, y]) => {
    const { right, up, back } = axes(), aspect = canvas.clientWidth / canvas.clientHeight;
    const sx = ((2 * x) / canvas.clientWidth - 1) * TAN * aspect, sy = (1 - (2 * y) / canvas.clientHeight) * TAN;
    return back.map((v, k) => -v + right[k] * sx + up[k] * sy);
  };
  const hit = (place) => {
    if (!now) return null;
    const ray = rayAt(place);
    let best = null, depth = Infinity;
    for (const part of parts) {
      if (!part.batch.shown || part.batch.clear) continue;
      let enter = 0, leave = Infinity;
      for (let k = 0; k < 3; k++) {
        const a = (part.low[k] - now.eye[k]) / ray[k], b = (part.high[k] - now.eye[k]) / ray[k];
        enter = Math.max(enter, Math.min(a, b)); leave = Math.min(leave, Math.max(a, b));
      }
      if (enter < leave && enter < depth) { depth = enter; best = part.name; }
    }
    let near = 5, reached = depth;
    for (const fibre of fibres) {
      if (!fibre.batch.shown) continue;
      let a = project(fibre.points, 0);
      for (let i = 3; i < fibre.points.length; i += 3) {
        const b = project(fibre.points, i);
        if (a && b) {
          const dx = b[0] - a[0], dy = b[1] - a[1], s = Math.min(1, Math.max(0, ((place[0] - a[0]) * dx + (place[1] - a[1]) * dy) / (dx * dx + dy * dy || 1)));
          const off = Math.hypot(place[0] - a[0] - s * dx, place[1] - a[1] - s * dy);
          if (off < near && a[2] + s * (b[2] - a[2]) < depth * 1.001 + 0.5) { near = off; best = fibre.name; reached = a[2] + s * (b[2] - a[2]); }
        }
        a = b;
      }
    }
    return best === null ? null : { name: best, point: along(now.eye, ray, reached) };
  };

  const anchorAt = (place) => {
    now = matrix();
    const found = hit(place), ray = rayAt(place), s = ((low[2] + high[2]) / 2 - now.eye[2]) / ray[2];
    if (found) return found.point;
    return along(now.eye, ray, s > 0 && s < 4 * camera.distance ? s : camera.distance);
  };

  // ---- hands
  const zoom = (factor, place) => {
    const reach = Math.hypot(...high.map((v, k) => v - low[k])), next = Math.min(4 * reach, Math.max(0.5, camera.distance * factor));
    const anchor = place && anchorAt(place); // what lies below the pointer stays there
    if (anchor) camera.target = anchor.map((v, k) => v + (camera.target[k] - v) * (next / camera.distance));
    camera.distance = next; soon();
  };
  const turn = (dx, dy) => { camera.yaw -= dx * 0.008; camera.pitch = Math.min(Math.PI / 2, Math.max(-Math.PI / 2, camera.pitch + dy * 0.008)); soon(); };
  const move = (dx, dy) => {
    const { right, up } = axes(), scale = (2 * TAN * camera.distance) / canvas.clientHeight;
    camera.target = along(along(camera.target, right, -dx * scale), up, dy * scale); soon();
  };
  const fingers = new Map(), place = (e) => { const r = canvas.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  canvas.addEventListener("wheel", (e) => { e.preventDefault(); zoom(Math.exp(e.deltaY * (e.deltaMode ? 0.05 : 0.0014)), place(e)); }, { passive: false });
  canvas.addEventListener("contextmenu", (e) => e.preventDefault());
  canvas.addEventListener("pointerdown", (e) => { try { canvas.setPointerCapture(e.pointerId); } catch { /* none */ } fingers.set(e.pointerId, place(e)); });
  canvas.addEventListener("pointermove", (e) => {
    const old = fingers.get(e.pointerId), here = place(e);
    if (!old) { at.textContent = hit(here)?.name ?? ""; return; }
    const dx = here[0] - old[0], dy = here[1] - old[1];
    if (fingers.size === 1) { (e.shiftKey || e.buttons & 2 ? move : turn)(dx, dy); }
    else {
      const other = [...fingers].find(([id]) => id !== e.pointerId)[1], span = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      move(dx / 2, dy / 2); zoom((span(old) || 1) / (span(here) || 1), [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2]);
    }
    fingers.set(e.pointerId, here);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (e) => fingers.delete(e.pointerId));
  canvas.addEventListener("dblclick", (e) => { const found = hit(place(e)); if (found) { camera.target = found.point; zoom(0.45); } });
  canvas.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: [-40, 0], ArrowRight: [40, 0], ArrowUp: [0, -40], ArrowDown: [0, 40] }[e.key];
    if (step) (e.shiftKey ? move : turn)(...step.map((v) => -v));
    else if (e.key === "+" || e.key === "=") zoom(1 / 1.4);
    else if (e.key === "-") zoom(1.4);
    else if (e.key === "0") home();
    else return;
    e.preventDefault();
  });
  const save = () => {
    const link = document.createElement("a"); link.href = URL.createObjectURL(new Blob([bytes], { type: "model/gltf-binary" }));
    link.download = `${doc.scenes[0].name}.glb`; link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const deeds = { in: () => zoom(1 / 1.5), out: () => zoom(1.5), home: () => home(), above: () => home(Math.PI / 2, 0), close, save };
  for (const button of root.querySelectorAll("button[data-do]")) button.addEventListener("click", () => deeds[button.dataset.do]());
  const list = root.querySelector(".layers");
  for (const batch of batches) {
    const item = document.createElement("label"), box = document.createElement("input"), patch = document.createElement("i");
    box.type = "checkbox"; box.checked = batch.shown; patch.style.background = `rgb(${batch.color.slice(0, 3).map((v) => Math.round(255 * v)).join(",")})`;
    box.addEventListener("change", () => { batch.shown = box.checked; soon(); });
    item.title = batch.about; item.append(box, patch, batch.layer); list.append(item);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  new ResizeObserver(() => { if (JSON.stringify(camera) === whole) home(camera.pitch, camera.yaw); else soon(); }).observe(canvas);
  home();
})();
