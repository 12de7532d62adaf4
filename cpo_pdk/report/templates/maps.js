"use strict";
// Maps of small marks on a plane, coloured by one of several numbers; mouse, touch and keyboard tell what is there.
const Maps = (() => {
  const rgb = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const color = (scale, value) => {
    if (value === null || value === undefined) return "#8888";
    const share = Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low || 1))), s = scale.stops;
    let k = 0;
    while (k < s.length - 2 && share > s[k + 1][0]) k++;
    const [a, ca] = s[k], [b, cb] = s[k + 1], t = b > a ? (share - a) / (b - a) : 1, p = rgb(ca), q = rgb(cb);
    return `rgb(${p.map((v, i) => Math.round(v + (q[i] - v) * Math.min(1, Math.max(0, t))))})`;
  };
  const legend = (root, scale, words, digits) => {
    const item = document.createElement("span"), strip = document.createElement("i");
    strip.style.background = `linear-gradient(90deg, ${scale.stops.map(([share, c]) => `${c} ${(100 * share).toFixed(2)}%`).join(", ")})`;
    item.append(`${words} ${scale.low.toFixed(digits)}`, strip, `${scale.high.toFixed(digits)} ${scale.unit}`);
    root.querySelector(".legend").replaceChildren(item);
  };
  // view: {box: [l, b, r, t], high: pixels for a width, paint(g, project, scale, style), items: [{x, y}], hit(x, y, perPixel) -> index or -1, chosen(index or -1), click(index, x, y)}
  const map = (root, view) => {
    const canvas = root.querySelector("canvas"), g = canvas.getContext("2d");
    let at = -1, wide = 0;
    const place = () => {
      const [l, b, r, t] = view.box(), w = canvas.clientWidth, h = canvas.clientHeight, k = Math.min(w / (r - l), h / (t - b));
      return { k, x: (x) => w / 2 + (x - (l + r) / 2) * k, y: (y) => h / 2 - (y - (b + t) / 2) * k, ux: (x) => (x - w / 2) / k + (l + r) / 2, uy: (y) => (h / 2 - y) / k + (b + t) / 2 };
    };
    const draw = () => {
      const ratio = window.devicePixelRatio || 1, w = root.clientWidth;
      if (!w) return;
      if (w !== wide) { wide = w; canvas.style.height = `${Math.round(view.high(w))}px`; }
      canvas.width = Math.round(canvas.clientWidth * ratio); canvas.height = Math.round(canvas.clientHeight * ratio);
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(root);
      view.paint(g, place(), { ink: style.getPropertyValue("--ink").trim(), faint: style.getPropertyValue("--faint").trim(), soft: style.getPropertyValue("--soft").trim(), panel: style.getPropertyValue("--panel").trim() }, at);
    };
    const choose = (index) => { if (index === at) return; at = index; view.chosen(at); draw(); };
    const where = (e) => { const box = canvas.getBoundingClientRect(), p = place(); return [p.ux(e.clientX - box.left), p.uy(e.clientY - box.top), 1 / p.k]; };
    canvas.addEventListener("pointermove", (e) => choose(view.hit(...where(e))));
    canvas.addEventListener("click", (e) => { const [x, y, u] = where(e), hit = view.hit(x, y, u); choose(hit); if (view.click) view.click(hit, x, y); });
    canvas.addEventListener("keydown", (e) => {
      const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (e.key === "Escape" && view.back) { view.back(); return; }
      if (!step) return;
      e.preventDefault();
      const items = view.items();
      if (at < 0 || !items.some(([k]) => k === at)) { if (items.length) choose(items[0][0]); return; }
      const own = items.find(([k]) => k === at);
      let best = -1, least = Infinity;
      for (const [k, x, y] of items) { // the nearest ahead, sideways counts double
        const dx = x - own[1], dy = y - own[2], ahead = dx * step[0] + dy * step[1], side = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
        if (k !== at && ahead > 1e-9 && ahead + 2 * side < least) { least = ahead + 2 * side; best = k; }
      }
      if (best >= 0) choose(best);
    });
    new ResizeObserver(draw).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    return { draw, clear: () => { at = -1; view.chosen(-1); } };
  };
  return { color, legend, map };
})();
