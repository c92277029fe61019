// What a reader's eye would see, as data. Every function returns a list of
// complaints, or of what there is.
const look = {
  visible(e) {
    const box = e.getBoundingClientRect();
    return e.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0;
  },

  // Whatever makes the page wider than the window; tables may scroll by themselves.
  overflow() {
    const width = document.documentElement.clientWidth, out = [];
    if (document.documentElement.scrollWidth > width) out.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
    for (const e of document.body.querySelectorAll("*")) {
      if (e.closest(".table, pre") || e.closest("svg") && e.tagName !== "svg" && e.tagName !== "text" || !look.visible(e) || e.matches("input, legend")) continue;
      const box = e.getBoundingClientRect();
      if (box.right > width + 1.5 || box.left < -1.5) out.push(`<${e.tagName}> ${JSON.stringify(e.textContent.slice(0, 40))} reaches from ${Math.round(box.left)} to ${Math.round(box.right)}`);
    }
    return out;
  },

  // Labels of a figure that cover each other.
  collisions() {
    const out = [];
    for (const svg of document.querySelectorAll("svg")) {
      if (!look.visible(svg)) continue;
      const texts = [...svg.querySelectorAll("text")].filter(look.visible);
      const boxes = texts.map((t) => t.getBoundingClientRect());
      for (let i = 0; i < texts.length; i++)
        for (let j = 0; j < i; j++) {
          const a = boxes[i], b = boxes[j];
          const w = Math.min(a.right, b.right) - Math.max(a.left, b.left), h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
          // Line boxes are taller than letters: a third of the height is air.
          if (w > 2 && h > 0.4 * Math.min(a.height, b.height)) out.push(`${JSON.stringify(texts[i].textContent)} covers ${JSON.stringify(texts[j].textContent)} in ${svg.closest("figure")?.id}`);
        }
    }
    return out;
  },

  // Points that a label of the figure hides.
  hidden() {
    const out = [];
    for (const svg of document.querySelectorAll("svg")) {
      if (!look.visible(svg)) continue;
      const boxes = [...svg.querySelectorAll("text")].filter(look.visible).map((t) => ({ text: t.textContent, box: t.getBoundingClientRect() }));
      for (const p of [...svg.querySelectorAll(".p")].filter(look.visible)) {
        const at = p.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
        for (const { text, box } of boxes) {
          const air = box.height / 5; // line boxes are taller than letters
          if (x > box.left && x < box.right && y > box.top + air && y < box.bottom - air) out.push(`${JSON.stringify(text)} hides ${p.dataset.n} ${p.dataset.y} in ${svg.closest("figure")?.id}`);
        }
      }
    }
    return out;
  },

  // Text that is hard to read: WCAG 2 asks for a contrast of 4.5, of 3 for large
  // letters.
  contrast() {
    const parse = (c) => {
      const m = c.match(/[\d.]+/g).map(Number);
      return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 };
    };
    const light = (rgb) => {
      const [r, g, b] = rgb.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => {
      for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.a > 0.99) return c.rgb;
      }
      return [255, 255, 255];
    };
    const out = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || e.closest("script, style, legend") || !look.visible(e)) continue;
      const s = getComputedStyle(e), svg = e.closest("svg");
      const c = parse(svg ? s.fill : s.color), back = ground(e);
      let a = c.a;
      for (let p = e; p; p = p.parentElement) a *= getComputedStyle(p).opacity;
      const front = c.rgb.map((v, i) => a * v + (1 - a) * back[i]);
      const [x, y] = [light(front), light(back)];
      const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
      const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.6 && s.fontWeight >= 600);
      if (ratio < (large ? 3 : 4.5) - 0.02) out.add(`${JSON.stringify(e.textContent.slice(0, 30))} has contrast ${ratio.toFixed(2)}`);
    }
    return [...out];
  },

  // The figures that can be seen: where their points are, and the page says what.
  figures() {
    return [...document.querySelectorAll(".chart")].filter(look.visible).map((chart) => {
      const svg = [...chart.querySelectorAll("svg")].find(look.visible), points = [...svg.querySelectorAll(".p")].filter(look.visible);
      return { ID: chart.closest("figure").id, Variant: svg.getAttribute("class"), Points: points.length };
    });
  },

  // Brings an element into the window and returns its middle, once the page has
  // come to rest.
  async middle(e) {
    e.scrollIntoView({ block: "center", behavior: "instant" });
    await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
    const box = e.getBoundingClientRect();
    return { X: box.x + box.width / 2, Y: box.y + box.height / 2 };
  },

  // Scrolls, and returns when the page has heard of it.
  async scroll(y) {
    scrollBy({ top: y, behavior: "instant" });
    await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
    return true;
  },

  // Where a point of a figure is, and what the page knows of it.
  async point(figure, n) {
    const svg = [...document.querySelectorAll(`#${figure} svg`)].find(look.visible);
    const p = [...svg.querySelectorAll(".p")].filter(look.visible)[n];
    return { ...(await look.middle(p)), Name: p.dataset.n, Value: p.dataset.y, Bits: p.dataset.b ?? "", Ref: p.dataset.ref ?? "" };
  },

  // Where to click to hit the first element of a selector that can be seen; null
  // when there is none, or something lies over it.
  async target(selector) {
    const e = [...document.querySelectorAll(selector)].find(look.visible);
    if (!e) return null;
    const at = await look.middle(e), top = document.elementFromPoint(at.X, at.Y);
    return e.contains(top) ? at : null;
  },

  tip() {
    const tip = document.getElementById("tip"), box = tip.getBoundingClientRect();
    return { Hidden: tip.hidden, Text: tip.innerText, Inside: box.left >= 0 && box.right <= document.documentElement.clientWidth + 0.5 };
  },

  focused() {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    let marked = e;
    if (e.matches(".tabs > input")) marked = e.parentElement.querySelector(`label[for="${e.id}"]`);
    if (e.matches(".unit input")) marked = e.nextElementSibling;
    const s = getComputedStyle(marked);
    return { What: `${e.tagName} ${e.id} ${e.getAttribute("aria-label") ?? e.textContent.slice(0, 30)}`, Outlined: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0 };
  },

  focusable() {
    return [...document.querySelectorAll("a[href], button, summary, [tabindex='0'], input")].filter((e) => {
      if (e.type === "radio" && !e.checked) return false; // a group is one stop
      return look.visible(e) && !e.disabled;
    }).length;
  },
};
