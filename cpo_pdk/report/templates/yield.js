"use strict";
// The maps of a yield: rings of the package, dies of a wafer.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  document.body.classList.add("live");
  const buttons = (root, then) => {
    const all = [...root.querySelectorAll("[data-show]")];
    for (const one of all) one.addEventListener("click", () => { for (const b of all) b.setAttribute("aria-pressed", String(b === one)); then(one.dataset.show); });
  };
  const value = (v, digits) => (v === null ? "-" : v.toFixed(digits));

  const ringRoot = document.getElementById("ring-map"), rings = data.rings;
  if (ringRoot && rings) {
    const WORDS = { held: "held in", heater_mean_mW: "heater, mean", heater_95_mW: "heater, 95 %" };
    const count = rings.x.length, said = ringRoot.querySelector(".said"), select = ringRoot.querySelector("[data-engine]");
    let show = "held", engine = -1, map = null;
    rings.engines.forEach((one, k) => select.append(new Option(one.name, k)));
    const big = () => (engine < 0 ? rings.enlarge : 1), mid = rings.engines.map(({ box: [l, b, r, t] }) => [(l + r) / 2, (b + t) / 2]);
    const boxes = rings.engines.map(({ box: [l, b, r, t] }, e) => [l, b, r, t].map((v, i) => mid[e][i % 2] + (v - mid[e][i % 2]) * rings.enlarge)); // engines enlarged about their middles
    const boxOf = (e) => (engine < 0 ? boxes[e] : rings.engines[e].box);
    const X = (k) => { const m = mid[rings.engine[k]][0]; return m + (rings.x[k] - m) * big(); }, Y = (k) => { const m = mid[rings.engine[k]][1]; return m + (rings.y[k] - m) * big(); };
    const all = boxes.reduce((b, box) => [Math.min(b[0], box[0]), Math.min(b[1], box[1]), Math.max(b[2], box[2]), Math.max(b[3], box[3])], [Infinity, Infinity, -Infinity, -Infinity]);
    const own = rings.engines.map((_, e) => [...Array(count).keys()].filter((k) => rings.engine[k] === e));
    const box = () => { const [l, b, r, t] = engine < 0 ? all : rings.engines[engine].box, pad = 0.03 * Math.max(r - l, t - b, 1); return [l - pad, b - pad, r + pad, t + pad]; };
    const extreme = (e) => { const v = own[e].map((k) => rings.values[show][k]).filter((x) => x !== null); return v.length ? (show === "held" ? Math.min(...v) : Math.max(...v)) : null; };
    const shown = () => (engine < 0 ? [...Array(count).keys()] : own[engine]);
    const idle = () => { said.textContent = engine < 0 ? `${rings.enlarge > 1 ? `Engines are drawn ${rings.enlarge.toFixed(1)} times larger than the distances between them. ` : ""}Click one to enlarge it.` : `${rings.engines[engine].name}: point at a ring, or arrow keys; Escape for all engines.`; };
    const paint = (g, p, style, at) => {
      g.clearRect(0, 0, g.canvas.width, g.canvas.height);
      const scale = rings.scales[show], r = Math.min(9, Math.max(engine < 0 ? 1.4 : 2.6, p.k * 9 * big()));
      rings.engines.forEach((_, e) => {
        if (engine >= 0 && e !== engine) return;
        const [l, b, right, t] = boxOf(e);
        g.lineWidth = 1; g.strokeStyle = style.soft; g.strokeRect(p.x(l), p.y(t), (right - l) * p.k, (t - b) * p.k);
        if (engine >= 0) return;
        g.fillStyle = Maps.color(scale, extreme(e)); g.globalAlpha = 0.16; g.fillRect(p.x(l), p.y(t), (right - l) * p.k, (t - b) * p.k); g.globalAlpha = 1;
      });
      for (const k of shown()) { g.fillStyle = Maps.color(scale, rings.values[show][k]); g.beginPath(); g.arc(p.x(X(k)), p.y(Y(k)), r, 0, 7); g.fill(); }
      if (engine < 0) rings.engines.forEach(({ name }, e) => { // names last, legible on the dots
        const [l, b, right, t] = boxes[e], short = name.slice(name.lastIndexOf("_") + 1), size = Math.min(20, 0.5 * Math.min(right - l, t - b) * p.k);
        if (size < 8) return;
        g.font = `700 ${size}px system-ui, sans-serif`; g.textAlign = "center"; g.textBaseline = "middle"; g.lineJoin = "round"; g.lineWidth = 5;
        g.strokeStyle = style.panel; g.strokeText(short, p.x((l + right) / 2), p.y((b + t) / 2)); g.fillStyle = style.ink; g.fillText(short, p.x((l + right) / 2), p.y((b + t) / 2));
      });
      if (at >= 0) { g.strokeStyle = style.ink; g.lineWidth = 2; g.beginPath(); g.arc(p.x(X(at)), p.y(Y(at)), r + 4, 0, 7); g.stroke(); }
    };
    const engineAt = (x, y) => boxes.findIndex(([l, b, r, t]) => x >= l && x <= r && y >= b && y <= t);
    const enter = (e) => { engine = e; select.value = e < 0 ? "" : String(e); map.clear(); idle(); map.draw(); };
    const look = () => { Maps.legend(ringRoot, rings.scales[show], WORDS[show], 1); if (map) map.draw(); };
    map = Maps.map(ringRoot, {
      box, paint, high: (w) => Math.min(620, Math.max(300, 0.62 * w)),
      items: () => shown().map((k) => [k, X(k), Y(k)]),
      hit: (x, y, u) => { let best = -1, least = (engine < 0 ? 5 : 12) * u; for (const k of shown()) { const d = Math.hypot(X(k) - x, Y(k) - y); if (d < least) { least = d; best = k; } } return best; },
      chosen: (k) => { if (k < 0) return idle(); const v = rings.values; said.textContent = `${rings.engines[rings.engine[k]].name}/${rings.names[k]}: held in ${value(v.held[k], 2)} % of the packages, heater ${value(v.heater_mean_mW[k], 2)} mW in the mean, ${value(v.heater_95_mW[k], 2)} mW at 95 %`; },
      click: (k, x, y) => { const e = engineAt(x, y); if (engine < 0 && e >= 0) enter(e); },
      back: () => enter(-1),
    });
    select.addEventListener("change", () => enter(select.value === "" ? -1 : +select.value));
    buttons(ringRoot, (name) => { show = name; look(); });
    idle(); look();
  }

  const waferRoot = document.getElementById("wafer-map"), wafer = data.wafer;
  if (waferRoot && wafer) {
    const WORDS = { shift_nm: "shift of the resonances", good: "lanes that work", width_nm: "width", thickness_nm: "thickness" };
    const said = waferRoot.querySelector(".said"), [w, h] = wafer.die_mm, radius = wafer.wafer_mm / 2;
    let show = Object.keys(wafer.scales)[0], map = null;
    const paint = (g, p, style, at) => {
      g.clearRect(0, 0, g.canvas.width, g.canvas.height);
      const scale = wafer.scales[show], gap = w * p.k > 6 ? 0.5 : 0;
      wafer.x.forEach((x, k) => { g.fillStyle = Maps.color(scale, wafer.values[show][k]); g.fillRect(p.x(x - w / 2) + gap, p.y(wafer.y[k] + h / 2) + gap, w * p.k - 2 * gap, h * p.k - 2 * gap); });
      g.strokeStyle = style.soft; g.lineWidth = 1.5; g.beginPath(); g.arc(p.x(0), p.y(0), radius * p.k, 0, 7); g.stroke();
      if (at >= 0) { g.strokeStyle = style.ink; g.lineWidth = 2.5; g.strokeRect(p.x(wafer.x[at] - w / 2), p.y(wafer.y[at] + h / 2), w * p.k, h * p.k); }
    };
    const idle = () => { said.textContent = "Point at a die, or arrow keys."; };
    map = Maps.map(waferRoot, {
      box: () => [-1.02 * radius, -1.02 * radius, 1.02 * radius, 1.02 * radius], paint, high: (wide) => Math.min(640, wide),
      items: () => wafer.x.map((x, k) => [k, x, wafer.y[k]]),
      hit: (x, y) => wafer.x.findIndex((dx, k) => Math.abs(dx - x) <= w / 2 && Math.abs(wafer.y[k] - y) <= h / 2),
      chosen: (k) => { if (k < 0) return idle(); const v = wafer.values; said.textContent = `die at ${value(wafer.x[k], 1)}, ${value(wafer.y[k], 1)} mm: ${v.shift_nm ? `rings shifted by ${value(v.shift_nm[k], 3)} nm, ` : ""}${value(v.good[k], 1)} % of the lanes work; width ${value(v.width_nm[k], 2)} nm, thickness ${value(v.thickness_nm[k], 2)} nm off`; },
    });
    const look = () => { Maps.legend(waferRoot, wafer.scales[show], WORDS[show], show === "good" ? 1 : 2); map.draw(); };
    buttons(waferRoot, (name) => { show = name; look(); });
    idle(); look();
  }
})();
