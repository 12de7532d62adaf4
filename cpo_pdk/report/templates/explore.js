"use strict";
// Designs of a study: a plot with axes to choose, a card of the design that is pointed at, tables that sort and filter.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent), { axes } = data;
  document.body.classList.add("live");
  const SVG = "http://www.w3.org/2000/svg", picture = document.getElementById("picture"), card = document.querySelector(".card");
  const front = new Set(data.front), broken = document.getElementById("broken");
  const points = data.points.map(([number, verdict, report, gds, reason, values]) => ({ number, verdict, report, gds, reason, values, front: front.has(number) }));
  const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (name) e.className = name; return e; };
  const draw = (tag, attributes, text) => { const e = document.createElementNS(SVG, tag); for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v); if (text !== undefined) e.textContent = text; picture.append(e); return e; };
  const micro = (unit) => unit.replace(/\bum\b/g, "µm");
  const words = (axis, value) => (value === null || value === undefined ? "none" : axis.names.length ? axis.names[value] : `${+value.toPrecision(5)}${axis.unit ? ` ${micro(axis.unit)}` : ""}`);

  const selects = [...document.querySelectorAll("[data-axis]")], use = [...data.start];
  for (const [k, select] of selects.entries()) {
    for (const group of ["measures", "variables"]) {
      const box = document.createElement("optgroup");
      box.label = group;
      axes.forEach((axis, index) => { if (axis.group === group) box.append(new Option(axis.name, index, false, index === use[k])); });
      select.append(box);
    }
    select.addEventListener("change", () => { use[k] = +select.value; render(); });
  }
  broken.checked = !points.some((p) => p.verdict === "feasible");
  broken.addEventListener("change", () => { if (at && !shown().includes(at)) at = held = null; render(); });
  const shown = () => points.filter((p) => (broken.checked || p.verdict === "feasible") && p.values[use[0]] !== null && p.values[use[1]] !== null);

  // ---- colours: viridis, dark to bright, cut where it gets too pale on white
  const STOPS = ["#440154", "#443983", "#31688e", "#21918c", "#35b779", "#a5c52b", "#e0b70d"].map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
  const color = (share) => { const s = Math.min(1, Math.max(0, share)) * (STOPS.length - 1), k = Math.min(STOPS.length - 2, Math.floor(s)); return `rgb(${STOPS[k].map((v, i) => Math.round(v + (STOPS[k + 1][i] - v) * (s - k)))})`; };
  const range = (list, index, room) => {
    const v = list.map((p) => p.values[index]).filter((x) => x !== null);
    if (!v.length) return [0, 1];
    const low = Math.min(...v), high = Math.max(...v), pad = room * (high - low) || (room ? 0.5 : 0);
    return axes[index].names.length && room ? [-0.5, axes[index].names.length - 0.5] : [low - pad, high + pad];
  };
  const ticks = (low, high, count) => {
    const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find((m) => m * power >= raw) * power, out = [];
    for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) out.push(+v.toPrecision(10));
    return out;
  };

  let at = null, held = null, places = [];
  const render = () => {
    const w = Math.max(280, picture.parentElement.clientWidth), h = Math.round(Math.min(560, Math.max(320, 0.62 * w))), left = 62, right = 14, top = 14, bottom = 46;
    picture.setAttribute("viewBox", `0 0 ${w} ${h}`); picture.style.height = `${h}px`; picture.replaceChildren();
    const list = shown(), [ax, ay, ac] = use.map((k) => axes[k]);
    const [x0, x1] = range(list, use[0], 0.06), [y0, y1] = range(list, use[1], 0.06), [c0, c1] = range(list, use[2], 0);
    const X = (v) => left + ((v - x0) / (x1 - x0)) * (w - left - right), Y = (v) => h - bottom - ((v - y0) / (y1 - y0)) * (h - top - bottom);
    for (const v of ax.names.length ? ax.names.keys() : ticks(x0, x1, Math.max(3, w / 110))) { draw("line", { x1: X(v), x2: X(v), y1: top, y2: h - bottom }); draw("text", { x: X(v), y: h - bottom + 16, "text-anchor": "middle" }, ax.names.length ? ax.names[v] : String(v)); }
    for (const v of ay.names.length ? ay.names.keys() : ticks(y0, y1, 6)) { draw("line", { x1: left, x2: w - right, y1: Y(v), y2: Y(v) }); draw("text", { x: left - 6, y: Y(v) + 4, "text-anchor": "end" }, ay.names.length ? (ay.names[v].length > 9 ? `${ay.names[v].slice(0, 8)}…` : ay.names[v]) : String(v)); }
    const label = (axis) => `${axis.name}${axis.unit ? ` (${micro(axis.unit)})` : ""}${axis.better ? (axis.better === "minimize" ? ", less is better" : ", more is better") : ""}`;
    draw("text", { x: (left + w - right) / 2, y: h - 8, "text-anchor": "middle", class: "name" }, label(ax));
    draw("text", { x: 14, y: (top + h - bottom) / 2, "text-anchor": "middle", class: "name", transform: `rotate(-90 14 ${(top + h - bottom) / 2})` }, label(ay));
    places = list.map((p) => ({ p, x: X(p.values[use[0]]), y: Y(p.values[use[1]]) }));
    const best = places.filter(({ p }) => p.front).sort((a, b) => a.x - b.x);
    if (best.length > 1 && ax.better && ay.better && data.axes.filter((a) => a.better).length === 2) draw("polyline", { points: best.map(({ x, y }, k) => (k === 0 ? "" : ax.better === "minimize" ? `${x},${best[k - 1].y} ` : `${best[k - 1].x},${y} `) + `${x},${y}`).join(" ") }); // steps: what lies behind is beaten
    for (const { p, x, y } of [...places].sort((a, b) => (a.p.front - b.p.front) || ((a.p.verdict === "feasible") - (b.p.verdict === "feasible")))) {
      const v = p.values[use[2]], feasible = p.verdict === "feasible", circle = draw("circle", { cx: x, cy: y, r: p.front ? 7 : feasible ? 4.5 : 3.5, class: `${p.front ? "front" : ""}${feasible ? "" : "out"}` });
      const tint = v === null ? "var(--soft)" : color(c1 > c0 ? (v - c0) / (c1 - c0) : 0.5);
      circle.style[feasible ? "fill" : "stroke"] = tint;
    }
    for (const { p, x, y } of best.length <= 30 ? best : []) draw("text", { x: x + 9, y: y - 6, class: "tag" }, String(p.number));
    const mark = places.find(({ p }) => p === at);
    if (mark) draw("circle", { cx: mark.x, cy: mark.y, r: 11, class: "at" });
    if (!list.length) draw("text", { x: w / 2, y: h / 2, "text-anchor": "middle" }, "no design with these two numbers");
    const item = make("span"), strip = make("i");
    strip.style.background = `linear-gradient(90deg, ${STOPS.map((c, k) => `rgb(${c}) ${(100 * k) / (STOPS.length - 1)}%`).join(", ")})`;
    item.append(`${ac.name} ${words(ac, list.length ? c0 : null)}`, strip, words(ac, list.length ? c1 : null));
    document.querySelector(".legend").replaceChildren(item, make("span", "ringed: on the front"), ...(broken.checked ? [make("span", "hollow: breaks a limit")] : []));
    tell();
  };

  const tell = () => {
    if (!at) { card.replaceChildren(make("p", `${shown().length} of ${points.length} computed designs are shown.`, "small")); return; }
    const dl = make("dl"), link = (href, text) => { const a = make("a", text); a.href = href; return a; };
    axes.forEach((axis, k) => { const name = axis.better ? "wanted" : ""; const dt = make("dt", axis.name, name); dt.title = axis.words; dl.append(dt, make("dd", words(axis, at.values[k]), name)); });
    const said = at.front ? "on the front" : at.verdict === "feasible" ? "keeps all limits, dominated or not built" : `breaks a limit: ${at.reason}`, links = make("p");
    if (at.report) links.append(link(at.report, "report"), " ");
    if (at.gds) links.append(link(at.gds, "layout"));
    card.replaceChildren(make("h3", `Design ${at.number}${held === at ? ", held" : ""}`), make("div", said, at.front ? "good" : "small"), links, dl);
  };
  const choose = (p) => { if (p === at) return; at = p; render(); };
  const near = (e) => {
    const box = picture.getBoundingClientRect(), k = picture.viewBox.baseVal.width / box.width, x = (e.clientX - box.left) * k, y = (e.clientY - box.top) * k;
    let best = null, least = 18;
    for (const place of places) { const d = Math.hypot(place.x - x, place.y - y) - (place.p.front ? 3 : 0); if (d < least) { least = d; best = place.p; } }
    return best;
  };
  picture.addEventListener("pointermove", (e) => { if (!held) choose(near(e)); });
  picture.addEventListener("click", (e) => { const p = near(e); held = p && p !== held ? p : null; at = p; render(); });
  picture.addEventListener("keydown", (e) => {
    if (e.key === "Escape") { held = at = null; render(); return; }
    if (e.key === "Enter" && at) { held = held === at ? null : at; render(); const a = card.querySelector("a"); if (held && a) a.focus(); return; }
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (!step || !places.length) return;
    e.preventDefault();
    held = null;
    const own = places.find(({ p }) => p === at);
    if (!own) { choose((places.find(({ p }) => p.front) || places[0]).p); return; }
    let best = null, least = Infinity;
    for (const place of places) {
      const dx = place.x - own.x, dy = place.y - own.y, ahead = dx * step[0] + dy * step[1], side = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
      if (place !== own && ahead > 1e-6 && ahead + 2 * side < least) { least = ahead + 2 * side; best = place.p; }
    }
    if (best) choose(best);
  });
  new ResizeObserver(() => render()).observe(picture.parentElement);

  // ---- tables
  for (const table of document.querySelectorAll("table.points")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((th, column) => {
      const button = th.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const down = th.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        th.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => { const text = row.cells[column].textContent.trim(), value = Number(text.replaceAll(",", "")); return text === "" || text === "none" ? null : Number.isNaN(value) ? text : value; };
        const order = (a, b) => (a === null || b === null ? (a === null) - (b === null) : (down ? -1 : 1) * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true })));
        body.append(...[...body.rows].map((row) => [key(row), row]).sort((a, b) => order(a[0], b[0])).map(([, row]) => row));
      });
    });
  }
  const filter = document.getElementById("filter"), rows = [...document.querySelectorAll("#designs tbody tr")], hits = document.getElementById("hits");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, k) => { const fits = wanted.every((word) => texts[k].includes(word)); row.hidden = !fits; count += fits; });
    hits.textContent = wanted.length ? `${count} of ${rows.length}` : "";
  });
  render();
})();
