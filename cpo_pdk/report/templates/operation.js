"use strict";
// The package at work: margins and temperatures over the layout, and the waterfall of one lane. Needs the viewers of the page.
(() => {
  const source = document.getElementById("operation");
  if (!source) return;
  const work = JSON.parse(source.textContent), texts = work.texts;
  const N = Object.fromEntries(work.numbers.map((name, k) => [name, k]));
  const short = (engine) => engine.slice(engine.lastIndexOf("_") + 1) || engine;
  const named = (text, engine) => texts[text].replaceAll("\u0001", /^[0-9]+$/.test(short(engine)) ? engine : short(engine));
  const lanes = work.lanes.map((l, index) => ({
    index, engine: texts[l[0]], port: l[1], channel: l[2], far: texts[l[3]], farPort: l[4], pm: l[5], laser: texts[l[6]], x: l[7], y: l[8],
    fibre: l[9].length ? texts[l[9][l[9].length - 1]] : "", name: `${texts[l[0]]}/tx_${l[1]}/${l[2]}` }));
  const rings = work.rings.map((r) => ({ engine: texts[r[0]], name: named(r[1], texts[r[0]]), port: texts[r[2]], x: r[3], y: r[4], drawn: r[5] }));
  const engines = [...new Set(lanes.map((l) => l.engine))];
  const dB = (milli, digits = 2) => (milli === null || milli === undefined ? "-" : (milli / 1000).toFixed(digits));
  const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (name) e.className = name; return e; };
  let state = +document.querySelector(".states [aria-pressed=true]").dataset.state, lane = 0, ring = null;
  const marginOf = (index, at = state) => { const row = work.states[at].lanes[index]; return row && row[0][N.margin_dB]; };

  const lightOf = (index) => { const m = marginOf(index); return m === null ? -Infinity : m; }; // a lane that no power helps is the worst

  // ---- colours
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const colorOf = (scale, value) => {
    const share = Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low || 1))), s = scale.stops;
    let k = 0;
    while (k < s.length - 2 && share > s[k + 1][0]) k++;
    while (k < s.length - 2 && s[k + 1][0] === s[k][0] && share >= s[k][0]) k++; // a jump
    const [a, ca] = s[k], [b, cb] = s[k + 1], t = b > a ? Math.min(1, (share - a) / (b - a)) : 1, p = rgb(ca), q = rgb(cb);
    return [0, 1, 2].map((i) => Math.round(p[i] + (q[i] - p[i]) * t));
  };
  const css = (scale, value) => (value === -Infinity ? work.scales.none : Number.isFinite(value) ? `rgb(${colorOf(scale, value)})` : "#888");
  const legend = (root, entries) => {
    root.replaceChildren(...entries.map(([label, scale]) => {
      const item = make("span"), strip = make("i");
      strip.style.background = `linear-gradient(90deg, ${scale.stops.map(([share, c]) => `${c} ${(100 * share).toFixed(2)}%`).join(", ")})`;
      item.append(`${label} ${scale.low.toFixed(2)}`, strip, `${scale.high.toFixed(2)} ${scale.unit === "C" ? "°C" : scale.unit}`);
      return item;
    }));
  };

  const rootOf = (kind) => document.querySelector(`.viewer[data-overlay=${kind}]`);
  const marginRoot = rootOf("margin"), heatRoot = rootOf("heat");
  const redraw = () => { for (const root of [marginRoot, heatRoot]) root.viewer.soon(); };
  const circle = (g, x, y, r) => { g.beginPath(); g.arc(x, y, r, 0, 7); };
  const onScreen = (view, x, y) => [view[0] * x + view[4], view[3] * y + view[5]];
  const placed = new Map(); // path of an instance -> its cell and place
  const find = (path) => {
    if (!placed.has(path)) placed.set(path, marginRoot.viewer.find(path));
    return placed.get(path);
  };

  // ---- the way of a lane: shape, places, levels
  const stepsOf = (index, at = state) => {
    const row = work.states[at].lanes[index];
    if (!row) return [];
    const [shape, places] = work.ways[row[4]], other = new Map(), own = lanes[index];
    for (let k = 0; k < row[5].length; k += 2) other.set(row[5][k], row[5][k + 1]);
    let x = 0, y = 0, next = 0, level = 0;
    return work.shapes[shape].steps.map(([name, kind, instance, from, far, drawn], k) => {
      const change = other.has(k) ? other.get(k) : work.shapes[shape].base[k];
      if (drawn) { x += places[next]; y += places[next + 1]; next += 2; }
      const before = level;
      level += change ?? 0;
      return { name: texts[name], kind: work.kinds[kind], instance: named(instance, far ? own.far : own.engine), source: texts[from], far: !!far,
        at: drawn ? [x, y] : null, change, before, level, lost: change === null };
    });
  };

  // ---- margins over the layout
  let scale = work.scales.margin;
  const FIBRE = /^FIBER/, LIGHT = /^(FIBER.*|WG|SLAB.*)$/;
  let worst = { fibre: new Map(), engine: new Map() };
  const gather = () => {
    worst = { fibre: new Map(), engine: new Map() };
    for (const l of lanes) {
      const m = lightOf(l.index);
      if (m === undefined) continue;
      for (const [map, key] of [[worst.fibre, l.fibre], [worst.engine, l.engine]]) if (!map.has(key) || m < map.get(key).m) map.set(key, { m, index: l.index });
    }
  };
  const SPACING = (() => { // um between modulators of one engine, to know when they can be told apart
    const own = lanes.filter((l) => l.engine === engines[0] && l.x !== null).slice(0, 64);
    let near = Infinity;
    for (const a of own) for (const b of own) if (a.index < b.index) { const d = Math.hypot(a.x - b.x, a.y - b.y); if (d > 0.5) near = Math.min(near, d); }
    return Number.isFinite(near) ? near : 100;
  })();
  marginRoot.addEventListener("paint", ({ detail: { g, view, over } }) => {
    const viewer = marginRoot.viewer, ratio = viewer.ratio, close = SPACING * viewer.scale > 3;
    if (!over) return;
    for (const [name, { m }] of worst.fibre) { const found = name && find(name); if (found) viewer.paint(found, FIBRE, css(scale, m / 1000), view); }
    g.setTransform(1, 0, 0, 1, 0, 0);
    for (const [name, { m }] of close ? [] : worst.engine) {
      const found = find(name);
      if (!found) continue;
      const [l, b, r, t] = viewer.boxOf(found), [x0, y1] = onScreen(view, l, b), [x1, y0] = onScreen(view, r, t);
      g.fillStyle = css(scale, m / 1000); g.fillRect(x0, y0, x1 - x0, y1 - y0);
    }
    const chosen = lanes[lane];
    if (chosen && picked) {
      const accent = getComputedStyle(marginRoot).getPropertyValue("--accent");
      for (const step of stepsOf(lane)) { const found = step.instance && find(step.instance); if (found) viewer.paint(found, LIGHT, accent, view); }
    }
    g.setTransform(1, 0, 0, 1, 0, 0);
    if (close) {
      const r = Math.min(12, Math.max(2.5, 0.2 * SPACING * viewer.scale)) * ratio;
      for (const l of lanes) {
        if (l.x === null) continue;
        const [x, y] = onScreen(view, l.x, l.y);
        if (x < -r || y < -r || x > g.canvas.width + r || y > g.canvas.height + r) continue;
        g.fillStyle = css(scale, (lightOf(l.index) ?? NaN) / 1000); circle(g, x, y, r); g.fill();
        if (r > 7 * ratio) { g.fillStyle = "#fff"; g.font = `600 ${9 * ratio}px system-ui, sans-serif`; g.textAlign = "center"; g.textBaseline = "middle"; g.fillText(l.channel, x, y); }
      }
    }
    if (chosen && chosen.x !== null) {
      const [x, y] = onScreen(view, chosen.x, chosen.y);
      g.strokeStyle = getComputedStyle(marginRoot).getPropertyValue("--ink"); g.lineWidth = 2 * ratio; circle(g, x, y, 9 * ratio); g.stroke();
    }
  });
  let picked = false;
  const nearest = (list, x, y, scale, limit = 14) => {
    let best = null, least = limit / scale;
    for (const one of list) if (one.x !== null) { const d = Math.hypot(one.x - x, one.y - y); if (d < least) { least = d; best = one; } }
    return best;
  };
  const engineAt = (x, y) => engines.find((name) => { const f = find(name), b = f && marginRoot.viewer.boxOf(f); return b && x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3]; });
  marginRoot.addEventListener("pick", ({ detail: { x, y, scale: zoom } }) => {
    const viewer = marginRoot.viewer, close = SPACING * zoom > 3 && nearest(lanes, x, y, zoom);
    if (close) return choose(close.index, true);
    const engine = engineAt(x, y);
    if (engine && worst.engine.has(engine)) return choose(worst.engine.get(engine).index, true);
    for (const near of [0.3, 1.5, 6]) { // dots; the nearest fibre first
      for (const [name, { index }] of worst.fibre) { const found = name && find(name); if (found && viewer.hits(found, FIBRE, x, y, near / zoom)) return choose(index, true); }
    }
  });
  marginRoot.addEventListener("hover", ({ detail: { x, y } }) => {
    const one = SPACING * marginRoot.viewer.scale > 3 && nearest(lanes, x, y, marginRoot.viewer.scale), engine = one ? one.engine : engineAt(x, y);
    const index = one ? one.index : worst.engine.get(engine)?.index;
    if (index !== undefined) marginRoot.querySelector(".at").textContent = `${one ? "" : "worst of it: "}${lanes[index].name}, ${marginOf(index) === null ? "no power would do" : `${dB(marginOf(index))} dB`}`;
  });

  // ---- the waterfall
  const box = document.getElementById("waterfall"), body = box.querySelector("tbody"), picks = Object.fromEntries([...box.querySelectorAll("[data-pick]")].map((s) => [s.dataset.pick, s]));
  const every = document.getElementById("every"), SMALL = 150; // mdB
  const options = (select, values, value) => { select.replaceChildren(...values.map((v) => new Option(v, v, false, String(v) === String(value)))); };
  const merged = (steps) => { // runs of small losses of drawn things as one row
    if (every.checked) return steps.map((s) => ({ ...s, many: 1 }));
    const rows = [];
    for (const s of steps) {
      if (s.kind !== "source" && Math.abs(s.change ?? 1) < 1) continue; // less than 1 mdB
      const last = rows[rows.length - 1], small = s.kind === "loss" && s.at && Math.abs(s.change ?? Infinity) < SMALL;
      if (small && last && last.small && last.far === s.far) {
        last.names.set(s.name, (last.names.get(s.name) || 0) + 1);
        last.many++; last.change += s.change; last.level = s.level; last.last = s;
      } else rows.push({ ...s, small, many: 1, names: new Map([[s.name, 1]]) });
    }
    return rows;
  };
  const colors = { source: "var(--soft)", loss: "#3f74d8", modulation: "#7a56c8", penalty: "#d2484f" };
  const bar = (low, high, from, to, color, line) => {
    const cell = make("td", undefined, "bars"), track = make("div", undefined, "track"), i = make("i"), at = (v) => (100 * (v - low)) / (high - low || 1);
    i.style.left = `${at(Math.min(from, to))}%`; i.style.width = `${Math.abs(at(to) - at(from))}%`; i.style.setProperty("--c", color);
    track.append(i);
    if (line !== undefined) { const u = make("u"); u.style.left = `${at(line)}%`; track.append(u); }
    cell.append(track);
    return cell;
  };
  const ringAt = new Map(rings.map((one, k) => [one.name, k]));
  const ringsOf = (steps, own) => [...new Set(steps.map((s) => ringAt.get(s.instance)))].flatMap((k) => { // those that serve this channel
    const now = k === undefined ? null : work.states[state].rings[k];
    return now && now[0] === own.channel ? [[`ring ${rings[k].name.slice(rings[k].engine.length + 1)}`, `${dB(now[1], 1)} °C, ${dB(now[3], 1)} mW`]] : [];
  });
  const show = () => {
    const own = lanes[lane], row = work.states[state].lanes[lane], steps = stepsOf(lane);
    options(picks.engine, engines, own.engine);
    options(picks.port, [...new Set(lanes.filter((l) => l.engine === own.engine).map((l) => l.port))], own.port);
    options(picks.channel, lanes.filter((l) => l.engine === own.engine && l.port === own.port).map((l) => l.channel), own.channel);
    if (!row) { box.querySelector(".said").textContent = `${own.name} is not in this state.`; body.replaceChildren(); return; }
    const v = (name, digits = 2) => dB(row[0][N[name]], digits), margin = row[0][N.margin_dB], end = steps.length ? steps[steps.length - 1].level : 0;
    const need = margin === null ? null : end - margin;
    const said = box.querySelector(".said"), lead = make("b", margin === null ? "No power would do" : `${dB(Math.abs(margin))} dB ${margin < 0 ? "are missing" : "of margin"}`, margin < 0 || margin === null ? "bad" : "good");
    said.replaceChildren(lead, ` at ${work.states[state].name}: ${own.name} at ${(own.pm / 1000).toFixed(3)} nm, from laser ${own.laser || "-"} to the receiver ${own.far}/rx_${own.farPort}/${own.channel} of the other package.`);
    const rows = merged(steps), levels = steps.flatMap((s) => (s.kind === "source" ? [s.level] : [s.before, s.level])).concat(need === null ? [] : [need]);
    const pad = 0.03 * (Math.max(...levels) - Math.min(...levels) || 1000), low = Math.min(...levels) - pad, high = Math.max(...levels) + pad;
    body.replaceChildren(...rows.map((s) => {
      const tr = make("tr"), where = make("td", undefined, "where");
      const name = s.many > 1 ? `${s.many} small ones: ${[...s.names].slice(0, 4).map(([n, k]) => (k > 1 ? `${k} ${n}` : n)).join(", ")}${s.names.size > 4 ? ", ..." : ""}` : s.name;
      tr.append(make("td", name));
      if (s.at) {
        const here = `${s.far ? own.far : own.engine}/`, b = make("button", (s.many > 1 ? "from " : "") + (s.instance.startsWith(here) ? s.instance.slice(here.length) : s.instance), "place");
        b.type = "button"; b.title = `${s.instance}${s.far ? ", in the other package at the same place as here" : ""}; ${s.source}`; b.dataset.x = s.at[0]; b.dataset.y = s.at[1];
        where.append(b);
      } else where.textContent = s.instance || s.source;
      if (s.far && s.kind !== "penalty") where.prepend("other package: ");
      tr.append(where, s.kind === "source" ? bar(low, high, low, s.level, colors.source, need ?? undefined) : bar(low, high, s.before, s.level, s.far && s.kind === "loss" ? "#1f97c4" : colors[s.kind], need ?? undefined),
        make("td", s.kind === "source" ? "" : s.lost ? "-" : (s.change / 1000).toFixed(3), "n"), make("td", s.lost ? "-" : dB(s.level), "n"));
      return tr;
    }));
    if (need !== null) {
      const tr = make("tr", undefined, "end");
      tr.append(make("td", margin < 0 ? "missing" : "margin"), make("td", "to what the receiver needs", "where"), bar(low, high, need, end, margin < 0 ? "var(--bad)" : "var(--good)", need), make("td", dB(margin, 3), "n"), make("td", dB(need), "n"));
      body.append(tr);
    }
    const facts = [["laser, per wavelength", `${v("laser_dBm")} dBm`], ["in the fibre at the facet", `${v("launch_dBm")} dBm`], ["extinction", `${v("extinction_dB")} dB`], ["OMA at the facet", `${v("oma_tx_dBm")} dBm`],
      ["OMA at the detector", `${v("oma_rx_dBm")} dBm`], ["OMA needed there", `${v("needed_oma_dBm")} dBm`], ["mean at the detector", `${v("received_dBm")} dBm`], ["TDECQ", `${v("tdecq_dB")} dB`], ["worst-case eye opening", `${row[0][N.eye_opening] === null ? "-" : (row[0][N.eye_opening] / 10).toFixed(0)} %`],
      ["Q", v("q")], ["bit error ratio", row[1] === null ? "below 1e-300" : (10 ** (row[1] / 1000)).toExponential(1)], ["margin, crosstalk at its worst phase", `${v("margin_peak_dB")} dB`], ["laser needed", row[0][N.needed_laser_dBm] === null ? "none would do" : `${v("needed_laser_dBm")} dBm`],
      ["energy of the lane and its receiver", row[6] === null ? "-" : `${dB(row[6])} pJ/bit`], ...ringsOf(steps, own),
      ...work.states[state].noise.map((key, k) => [`noise, ${key}`, `${dB(row[2][k], 3)} µA`]), ...work.states[state].penalties.map((key, k) => [`penalty, ${key}`, `${dB(row[3][k], 2)} dB`])];
    box.querySelector(".facts").replaceChildren(...facts.map(([a, b]) => { const d = make("div"); d.append(make("dt", a), make("dd", b)); return d; }));
  };
  const choose = (index, marked = false) => {
    lane = (index + lanes.length) % lanes.length; picked = marked || picked;
    show(); redraw();
  };
  for (const [key, select] of Object.entries(picks)) select.addEventListener("change", () => {
    const want = { engine: lanes[lane].engine, port: lanes[lane].port, channel: lanes[lane].channel, [key]: key === "engine" ? select.value : +select.value };
    const found = lanes.find((l) => l.engine === want.engine && l.port === want.port && l.channel === want.channel) || lanes.find((l) => l.engine === want.engine && (key === "engine" || l.port === want.port));
    choose(found.index, true);
  });
  const leastLane = () => { let best = 0; for (const l of lanes) if (lightOf(l.index) < lightOf(best)) best = l.index; return best; };
  box.addEventListener("click", (e) => {
    const go = e.target.closest("[data-go]");
    if (!go) return;
    if (go.dataset.go === "worst") choose(leastLane(), true);
    else if (go.dataset.go === "show") {
      const own = lanes[lane];
      picked = true;
      if (own.x !== null) marginRoot.viewer.go(own.x, own.y, 14 * SPACING, false);
      marginRoot.scrollIntoView({ behavior: "smooth", block: "center" });
    } else choose(lane + +go.dataset.go, true);
  });
  every.addEventListener("change", show);
  document.getElementById("margins").addEventListener("click", (e) => {
    const button = e.target.closest("[data-lane]");
    if (button) { choose(+button.dataset.lane, true); box.scrollIntoView({ behavior: "smooth", block: "start" }); }
  });

  // ---- temperatures over the layout
  const see = document.getElementById("see"), images = new Map();
  const numbersOf = (map) => {
    if (!map.values) {
      const bytes = Uint8Array.from(atob(map.cells), (c) => c.charCodeAt(0)), raw = new DataView(bytes.buffer);
      map.values = Float32Array.from({ length: bytes.length / 2 }, (_, k) => { const n = raw.getUint16(2 * k, true); return n === 65535 ? NaN : map.low + ((map.high - map.low) * n) / 65534; });
    }
    return map.values;
  };
  const cellAt = (edges, v) => { // number of the cell, or -1
    if (v < edges[0] || v > edges[edges.length - 1]) return -1;
    let a = 0, b = edges.length - 1;
    while (b - a > 1) { const mid = (a + b) >> 1; if (edges[mid] <= v) a = mid; else b = mid; }
    return a;
  };
  const between = (edges, v) => { // cell, the one beside it on the nearer side, and its share
    const a = cellAt(edges, v), middle = (k) => (edges[k] + edges[k + 1]) / 2, n = edges.length - 1, b = v < middle(a) ? a - 1 : a + 1;
    return b < 0 || b >= n ? [a, a, 0] : [a, b, (v - middle(a)) / (middle(b) - middle(a))];
  };
  const kelvin = (map, x, y) => { // linear between the middles of cells; what is beside nothing keeps its own value
    const n = map.x.length - 1, t = numbersOf(map);
    if (cellAt(map.x, x) < 0 || cellAt(map.y, y) < 0) return NaN;
    const [i, k, u] = between(map.x, x), [j, l, w] = between(map.y, y), own = t[j * n + i];
    const or = (v) => (Number.isNaN(v) ? own : v);
    return (own * (1 - u) + or(t[j * n + k]) * u) * (1 - w) + (or(t[l * n + i]) * (1 - u) + or(t[l * n + k]) * u) * w;
  };
  const picture = (map, colors) => {
    const width = map.x[map.x.length - 1] - map.x[0], height = map.y[map.y.length - 1] - map.y[0], dots = 560 / Math.max(width, height);
    const w = Math.max(2, Math.round(width * dots)), h = Math.max(2, Math.round(height * dots)), image = new ImageData(w, h);
    const table = Array.from({ length: 512 }, (_, k) => colorOf({ ...colors, low: 0, high: 511 }, k));
    for (let j = 0; j < h; j++) for (let i = 0; i < w; i++) {
      const t = kelvin(map, map.x[0] + ((i + 0.5) * width) / w, map.y[0] + ((h - j - 0.5) * height) / h), o = 4 * (j * w + i);
      if (Number.isNaN(t)) continue;
      const c = table[Math.min(511, Math.max(0, Math.round((511 * (t - colors.low)) / (colors.high - colors.low || 1))))];
      image.data[o] = c[0]; image.data[o + 1] = c[1]; image.data[o + 2] = c[2]; image.data[o + 3] = 255;
    }
    const canvas = document.createElement("canvas");
    canvas.width = w; canvas.height = h; canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  };
  const ranges = () => { // of the engine that is looked at, in this state; of the package, in all states, without one
    const map = work.states[state].maps[see.value];
    return see.value && map ? { ...work.scales.package, low: map.low, high: Math.max(map.high, map.low + 0.1) } : work.scales.package;
  };
  const drawMap = (g, view, name, colors) => {
    const map = work.states[state].maps[name];
    if (!map) return;
    const key = `${state} ${name} ${colors.low} ${colors.high}`;
    if (!images.has(key)) images.set(key, picture(map, colors));
    const [x0, y1] = onScreen(view, map.x[0], map.y[0]), [x1, y0] = onScreen(view, map.x[map.x.length - 1], map.y[map.y.length - 1]);
    g.setTransform(1, 0, 0, 1, 0, 0); g.imageSmoothingEnabled = true;
    g.drawImage(images.get(key), x0, y0, x1 - x0, y1 - y0);
  };
  const heater = work.scales.heater;
  heatRoot.addEventListener("paint", ({ detail: { g, view, over } }) => {
    const viewer = heatRoot.viewer, ratio = viewer.ratio;
    if (!over) {
      const colors = ranges();
      const alone = see.value && work.states[state].maps[see.value]; // its colours mean nothing beside it
      if (!alone) drawMap(g, view, "package", colors);
      for (const name of alone ? [see.value] : engines) {
        const map = work.states[state].maps[name];
        if (map && (name === see.value || (map.x[map.x.length - 1] - map.x[0]) * viewer.scale > 90)) drawMap(g, view, name, colors);
      }
      return;
    }
    const held = work.states[state].rings;
    g.setTransform(1, 0, 0, 1, 0, 0);
    const r = Math.min(9, 14 * viewer.scale) * ratio;
    if (r > 1.2 * ratio) rings.forEach((one, k) => {
      const [x, y] = onScreen(view, one.x, one.y), now = held[k];
      if (!now || x < -r || y < -r || x > g.canvas.width + r || y > g.canvas.height + r) return;
      g.fillStyle = css(heater, (now[3] ?? 0) / 1000); circle(g, x, y, r); g.fill();
      g.strokeStyle = now[6] ? "#fff" : "#ff2d2d"; g.lineWidth = (now[6] ? 0.6 : 2.2) * ratio; g.stroke();
      if (k === ring) { g.strokeStyle = "#fff"; g.lineWidth = 2 * ratio; circle(g, x, y, r + 5 * ratio); g.stroke(); }
    });
  });
  const tellRing = () => {
    const one = rings[ring], now = one && work.states[state].rings[ring], line = document.getElementById("ring");
    line.textContent = !now ? "" : `${one.name}, ${one.port}, at ${work.states[state].name}: ${dB(now[1])} °C without its own heater, channel ${now[0]}${now[0] === one.drawn ? "" : ` (drawn for ${one.drawn})`}, red shift ${dB(now[2], 3)} nm by ${dB(now[3])} mW; it may rise by ${dB(now[4])} and fall by ${dB(now[5])} mW${now[6] ? "" : "; it can't be held"}.`;
  };
  heatRoot.addEventListener("pick", ({ detail: { x, y, scale: zoom } }) => {
    const one = 14 * zoom > 1.2 && nearest(rings, x, y, zoom);
    if (one) { ring = rings.indexOf(one); tellRing(); redraw(); return; }
    const engine = engineAt(x, y);
    if (engine && engine !== see.value && work.states[state].maps[engine]) { see.value = engine; look(); }
  });
  heatRoot.addEventListener("hover", ({ detail: { x, y } }) => {
    const maps = work.states[state].maps, name = engines.find((e) => maps[e] && cellAt(maps[e].x, x) >= 0 && cellAt(maps[e].y, y) >= 0), map = maps[name] || maps.package;
    const t = map ? kelvin(map, x, y) : NaN;
    if (!Number.isNaN(t)) heatRoot.querySelector(".at").textContent = `${t.toFixed(2)} °C at ${(x / 1000).toFixed(2)}, ${(y / 1000).toFixed(2)} mm`;
  });
  const scales = () => legend(heatRoot.querySelector(".legend"), [["temperature", ranges()], ...(rings.length ? [["heater", heater]] : [])]);
  const look = () => {
    const map = work.states[state].maps[see.value || "package"], viewer = heatRoot.viewer;
    scales();
    if (!map) viewer.home();
    else {
      const found = see.value && find(see.value), [l, b, r, t] = found ? viewer.boxOf(found) : [map.x[0], map.y[0], map.x[map.x.length - 1], map.y[map.y.length - 1]];
      viewer.resize();
      viewer.go((l + r) / 2, (b + t) / 2, Math.max(r - l, ((t - b) * viewer.width) / (viewer.height || 1)) * 1.12, false);
    }
  };
  for (const name of engines) if (work.states.some((s) => s.maps[name])) see.append(new Option(name, name));
  see.addEventListener("change", look);

  // ---- the state that is looked at, everywhere the same
  const change = (next) => {
    state = next;
    for (const button of document.querySelectorAll(".states [data-state]")) button.setAttribute("aria-pressed", String(+button.dataset.state === state));
    for (const part of document.querySelectorAll("[data-of]")) part.hidden = +part.dataset.of !== state;
    gather(); show(); scales(); tellRing(); redraw();
  };
  document.addEventListener("click", (e) => { const button = e.target.closest(".states [data-state]"); if (button) change(+button.dataset.state); });
  const spread = document.getElementById("spread");
  const colour = () => { scale = spread.checked ? work.scales.spread : work.scales.margin; legend(marginRoot.querySelector(".legend"), [["margin", scale]]); redraw(); };
  spread.addEventListener("change", colour);
  colour();
  lane = leastLane();
  change(state);
  requestAnimationFrame(look);
})();
