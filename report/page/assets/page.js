"use strict";
(() => {
  const tip = document.getElementById("tip");
  const inBits = () => document.getElementById("unit-bits")?.checked;
  const shown = (svg) => getComputedStyle(svg).display !== "none";
  let current = null, byKey = false;

  const line = (tag, text) => {
    const e = document.createElement(tag);
    e.textContent = text;
    return e;
  };

  // Where a point stands in the window, in CSS pixels.
  function centre(svg, p) {
    const box = svg.getBoundingClientRect(), k = box.width / svg.viewBox.baseVal.width;
    const t = p.transform.baseVal.getItem(0).matrix;
    return { x: box.left + t.e * k, y: box.top + t.f * k };
  }

  function show(p, key = false) {
    hide();
    byKey = key;
    if (!p) return;
    const svg = p.ownerSVGElement, d = p.dataset;
    current = p;
    svg.classList.add("picked");
    p.classList.add("on");
    const c = p.closest(".c").dataset.c;
    const name = p.closest(".c").dataset.name;
    for (const g of svg.querySelectorAll(".c"))
      g.classList.toggle("on", g.dataset.c === c || (name !== "" && g.dataset.name === name));
    tip.replaceChildren(line("b", d.n), d.x, document.createElement("br"), inBits() && d.b ? d.b : d.y);
    if (d.note) tip.append(document.createElement("br"), d.note);
    if (d.ref) tip.append(line("code", d.ref));
    tip.hidden = false;
    const at = centre(svg, p), box = tip.getBoundingClientRect();
    let x = at.x - box.width / 2, y = at.y - box.height - 14;
    x = Math.max(8, Math.min(x, document.documentElement.clientWidth - box.width - 8));
    if (y < 4) y = at.y + 16;
    tip.style.left = x + scrollX + "px";
    tip.style.top = y + scrollY + "px";
  }

  function hide() {
    tip.hidden = true;
    if (!current) return;
    const svg = current.ownerSVGElement;
    svg.classList.remove("picked");
    current.classList.remove("on");
    for (const g of svg.querySelectorAll(".c.on")) g.classList.remove("on");
    current = null;
  }

  const points = (svg) => [...svg.querySelectorAll(".p")].filter((p) => !p.closest(".c").classList.contains("off"));

  function nearest(svg, x, y, limit) {
    let best = null, least = limit * limit;
    for (const p of points(svg)) {
      const c = centre(svg, p);
      const d = (c.x - x) ** 2 + (c.y - y) ** 2;
      if (d <= least) { least = d; best = p; }
    }
    return best;
  }

  function step(svg, dx, dy) {
    const all = points(svg);
    if (!all.length) return null;
    if (!current || current.ownerSVGElement !== svg) return all[0];
    const here = centre(svg, current), mine = current.closest(".c").dataset.c;
    let best = current, least = Infinity;
    for (const p of all) {
      if (p === current) continue;
      const c = centre(svg, p), same = p.closest(".c").dataset.c === mine;
      if (dx !== 0) {
        const ahead = (c.x - here.x) * dx;
        if (same && ahead > 0 && ahead < least) { least = ahead; best = p; }
      } else {
        const ahead = (c.y - here.y) * dy, aside = Math.abs(c.x - here.x);
        if (!same && ahead >= 0 && aside * 50 + ahead < least) { least = aside * 50 + ahead; best = p; }
      }
    }
    return best;
  }

  for (const chart of document.querySelectorAll(".chart")) {
    const visible = () => [...chart.querySelectorAll("svg")].find(shown);
    chart.addEventListener("pointermove", (e) => show(nearest(visible(), e.clientX, e.clientY, 36)));
    chart.addEventListener("pointerdown", (e) => show(nearest(visible(), e.clientX, e.clientY, 44)));
    // A finger leaves when it is lifted, and only then is there time to read.
    chart.addEventListener("pointerleave", (e) => { if (e.pointerType !== "touch") hide(); });
    chart.addEventListener("blur", hide);
    chart.addEventListener("keydown", (e) => {
      const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (move) { show(step(visible(), ...move), true); e.preventDefault(); }
      if (e.key === "Escape") hide();
    });

    const names = [...new Set([...chart.querySelectorAll("svg.wide .c .p")].map((p) => p.closest(".c").dataset.name))];
    if (names.length < 3) continue;
    const chips = document.createElement("div");
    chips.className = "chips";
    for (const name of names) {
      const b = line("button", name);
      b.type = "button";
      b.setAttribute("aria-pressed", "true");
      b.addEventListener("click", () => {
        const on = b.getAttribute("aria-pressed") !== "true";
        b.setAttribute("aria-pressed", on);
        for (const g of chart.querySelectorAll(".c")) if (g.dataset.name === name) g.classList.toggle("off", !on);
      });
      chips.append(b);
    }
    chart.after(chips);
  }

  addEventListener("pointerdown", (e) => { if (!e.target.closest(".chart")) hide(); });
  // Whoever scrolls with a pointer has left the point. The tab key scrolls by itself,
  // and goes on while the arrow keys read.
  addEventListener("scroll", () => { if (!byKey) hide(); }, { passive: true });
  for (const e of document.querySelectorAll("input[name=unit]")) e.addEventListener("change", () => show(current, byKey));
})();
