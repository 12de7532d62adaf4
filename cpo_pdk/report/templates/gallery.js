"use strict";
(() => {
  const all = (selector, root) => [...(root || document).querySelectorAll(selector)];
  const SVG = "http://www.w3.org/2000/svg";

  // small pictures of the overview: the drawings of the page once more, by reference
  for (const small of all("svg[data-thumb]")) {
    const source = document.getElementById(small.dataset.thumb);
    small.setAttribute("viewBox", source.ownerSVGElement.getAttribute("viewBox"));
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", "#" + small.dataset.thumb);
    small.append(use);
  }

  // filter: every word has to be found
  const filter = document.getElementById("filter"), hits = document.getElementById("hits");
  const devices = all("section.device");
  const apply = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const device of devices) {
      const fits = words.every((word) => device.dataset.words.includes(word));
      device.hidden = !fits;
      shown += fits;
      const link = document.querySelector(`.index a[data-of="${CSS.escape(device.id)}"]`);
      if (link) link.hidden = !fits;
    }
    for (const heading of all("h2.group")) {
      let next = heading.nextElementSibling, any = false;
      for (; next && next.matches("section.device"); next = next.nextElementSibling) any = any || !next.hidden;
      heading.hidden = !any;
    }
    hits.textContent = words.length ? `${shown} of ${devices.length}` : "";
  };
  filter.addEventListener("input", apply);

  for (const box of all("input[data-toggle]")) {
    box.addEventListener("change", () => {
      const section = box.closest("section");
      for (const layer of all(`g[data-layer="${box.dataset.toggle}"]`, section)) layer.style.display = box.checked ? "" : "none";
    });
  }

  for (const button of all("button[data-copy]")) {
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "copied"; }
      catch { getSelection().selectAllChildren(button.previousElementSibling); button.textContent = "selected"; }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  // one drawing as large as the window
  const large = document.getElementById("large");
  let view = null, home = null, picture = null, from = null;
  const show = () => picture.setAttribute("viewBox", view.join(" "));
  const zoom = (factor, x, y) => {
    const box = picture.getBoundingClientRect();
    const scale = Math.max(view[2] / box.width, view[3] / box.height);
    const dx = (x - box.left - box.width / 2) * scale, dy = (y - box.top - box.height / 2) * scale;
    const centre = [view[0] + view[2] / 2 + dx * (1 - factor), view[1] + view[3] / 2 + dy * (1 - factor)];
    view = [centre[0] - view[2] * factor / 2, centre[1] - view[3] * factor / 2, view[2] * factor, view[3] * factor];
    show();
  };
  for (const drawing of all("svg.drawing")) {
    drawing.addEventListener("click", () => {
      if (drawing === picture) return;
      if (picture) picture.remove();
      picture = drawing.cloneNode(true);
      for (const defs of all("defs", picture)) defs.remove();
      all("g[id]", picture).forEach((g) => g.removeAttribute("id"));
      home = drawing.getAttribute("viewBox").split(" ").map(Number);
      view = [...home];
      document.getElementById("large-name").textContent = drawing.getAttribute("aria-label");
      large.append(picture);
      large.showModal();
      picture.addEventListener("wheel", (e) => { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, e.clientX, e.clientY); }, { passive: false });
      picture.addEventListener("pointerdown", (e) => { from = [e.clientX, e.clientY, view[0], view[1]]; picture.setPointerCapture(e.pointerId); });
      picture.addEventListener("pointermove", (e) => {
        if (!from) return;
        const box = picture.getBoundingClientRect(), scale = Math.max(view[2] / box.width, view[3] / box.height);
        view[0] = from[2] - (e.clientX - from[0]) * scale; view[1] = from[3] - (e.clientY - from[1]) * scale;
        show();
      });
      picture.addEventListener("pointerup", () => { from = null; });
    });
  }
  large.addEventListener("keydown", (e) => {
    const box = picture.getBoundingClientRect(), x = box.left + box.width / 2, y = box.top + box.height / 2;
    if (e.key === "+") zoom(0.8, x, y);
    if (e.key === "-") zoom(1.25, x, y);
    if (e.key === "0") { view = [...home]; show(); }
  });
  document.getElementById("large-close").addEventListener("click", () => large.close());
  large.addEventListener("close", () => { if (picture) picture.remove(); picture = null; });
})();
