// Film strips: every frame stands where its noise level is on one log axis, the same for all rows.
// One slider on that axis; each row shows large the frame that is in force there. Arrow keys go from
// level to level of any row; a drag over the strips and a click on a frame go there, too.
(function () {
  "use strict";
  const { make, svg, DASHES } = window.Dom;
  const THUMB = 46, GAP = 2, END = 40; // px; END: room for the last frame, at level 0
  const KNOB = 16, CLICK = 4; // px; the slider's, and what a press may move
  const PARTS = 1000; // of the slider
  const instances = new Set();

  // "14.6", "0.03", "0"
  const said = (sigma) => String(+sigma.toPrecision(3));

  const pictures = new Map(); // densities that were read, by their address
  function densityOf(url, then) {
    if (!url) return null;
    if (!pictures.has(url)) {
      const image = new Image();
      pictures.set(url, image);
      image.src = url;
    }
    const image = pictures.get(url);
    if (image.complete) return image;
    image.addEventListener("load", then, { once: true });
    return null;
  }

  // Places of thumbnails of width `side`: as near to where they belong as they fit, in order.
  function placed(wanted, side, width) {
    const left = wanted.map((x) => x - side / 2);
    for (let i = 0; i < left.length; i++) left[i] = Math.max(left[i], i ? left[i - 1] + side + GAP : 0);
    let right = width;
    for (let i = left.length - 1; i >= 0; i--) {
      left[i] = Math.min(left[i], right - side);
      right = left[i] - GAP;
    }
    return left;
  }

  class Row {
    constructor(view, film, key) {
      this.view = view;
      this.film = film;
      this.key = key;
      const root = (this.root = make("div", "fv-row"));
      const big = make("figure", "fv-big", root);
      this.large = film.frames[0].picture ? make("img", "fv-shot", big) : make("canvas", "fv-shot", big, { role: "img" });
      const side = make("div", "fv-side", root);
      const head = make("div", "fv-head", side);
      const swatch = svg(head, "svg", { class: "fv-swatch", viewBox: "0 0 28 8", "aria-hidden": "true" });
      svg(swatch, "path", { d: "M1 4H27", stroke: film.colour || "currentColor", "stroke-dasharray": DASHES[film.dash] || "", fill: "none", "stroke-width": 2.5 });
      make("b", "fv-name", head).textContent = film.name;
      this.told = make("span", "fv-told", head);
      this.strip = make("div", "fv-strip", side);
      const points = window.Pictures.clouds.floats;
      this.clouds = film.frames.map((frame) => frame.cloud && points(frame.cloud.points));
      this.paths = film.paths && points(film.paths.paths);
      this.thumbs = film.frames.map((frame) => {
        const thumb = frame.picture ? make("img", "fv-thumb", this.strip, { alt: "", src: frame.picture.url, draggable: "false" }) : make("canvas", "fv-thumb", this.strip);
        thumb.title = `sigma ${said(frame.sigma)}`;
        return thumb;
      });
      this.lines = svg(this.strip, "svg", { class: "fv-lines", "aria-hidden": "true" });
      this.current = -1;
      view.follow(this);
    }

    layout() {
      const width = this.strip.clientWidth;
      if (!width) return;
      const wanted = this.film.frames.map((frame) => this.view.x(frame.sigma, width));
      const side = Math.min(THUMB, width / wanted.length - GAP);
      const left = placed(wanted, side, width);
      this.lines.textContent = "";
      this.thumbs.forEach((thumb, i) => {
        thumb.style.cssText = `left:${left[i]}px;width:${side}px;height:${side}px`;
        svg(this.lines, "path", { d: `M${left[i] + side / 2} 0 L${wanted[i]} 12 V16` });
        if (this.clouds[i]) this.paint(thumb, i, false);
      });
      this.show(this.view.sigma, true);
    }

    paint(canvas, i, paths) {
      const density = densityOf(this.film.frames[i].density, () => this.layout());
      const way = paths && this.paths && i ? this.until(i) : null;
      const color = getComputedStyle(this.root).color;
      window.Pictures.clouds.draw(canvas, { points: this.clouds[i], paths: way, length: i + 1, extent: this.view.value.extent, density, color });
    }

    // Each path up to frame i.
    until(i) {
      const length = this.film.frames.length, count = this.paths.length / (2 * length);
      const way = new Float32Array(count * 2 * (i + 1));
      for (let k = 0; k < count; k++) way.set(this.paths.subarray(2 * length * k, 2 * length * k + 2 * (i + 1)), 2 * (i + 1) * k);
      return way;
    }

    // The frame in force at a level: the last whose own level is not below it.
    show(sigma, again) {
      let i = 0;
      while (i + 1 < this.film.frames.length && this.film.frames[i + 1].sigma >= sigma) i++;
      if (i === this.current && !again) return;
      this.current = i;
      this.thumbs.forEach((thumb, k) => thumb.classList.toggle("fv-on", k === i));
      const frame = this.film.frames[i];
      this.told.textContent = `${i + 1} of ${this.film.frames.length}, sigma ${said(frame.sigma)}`;
      this.large.setAttribute(frame.picture ? "alt" : "aria-label", `${this.film.name}, frame ${this.told.textContent}`);
      if (frame.picture) this.large.src = frame.picture.url;
      else this.paint(this.large, i, true);
    }
  }

  class View {
    constructor({ element, props, watch }) {
      this.props = props;
      this.rows = [];
      this.sigma = 0; // at first what came out
      const root = (this.root = element.querySelector(".fv-root"));
      root.textContent = "";
      this.note = make("p", "fv-note", root);
      this.list = make("div", "fv-list", root);
      this.foot = make("div", "fv-foot", root);
      this.range = make("input", "fv-range", this.foot, { type: "range", min: 0, max: PARTS, value: PARTS, step: 1, "aria-label": "Noise level" });
      this.axis = make("div", "fv-axis", this.foot, { "aria-hidden": "true" });
      this.told = make("div", "fv-level", this.foot, { "aria-hidden": "true" }); // the slider says it
      this.range.addEventListener("input", () => this.to(this.level(this.range.value / PARTS)));
      this.range.addEventListener("keydown", (event) => this.key(event));
      this.sizes = new ResizeObserver(() => (root.isConnected ? this.layout() : this.destroy()));
      this.sizes.observe(root);
      this.themes = new MutationObserver(() => this.layout());
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      watch("value", () => this.patch());
      instances.add(this);
      this.patch();
    }

    destroy() {
      this.sizes.disconnect();
      this.themes.disconnect();
      instances.delete(this);
    }

    patch() {
      const value = this.props.value;
      this.root.hidden = !value || !value.films || !value.films.length;
      if (this.root.hidden) return;
      this.value = value;
      this.note.textContent = value.note;
      const levels = value.films.flatMap((film) => film.frames.map((frame) => frame.sigma));
      this.levels = [...new Set(levels)].sort((a, b) => b - a);
      const positive = this.levels.filter((sigma) => sigma > 0);
      this.high = Math.log(positive[0]);
      this.low = Math.log(positive[positive.length - 1]);
      const known = new Map(this.rows.map((row) => [row.key, row]));
      this.rows = value.films.map((film) => {
        const key = JSON.stringify([film, value.extent]);
        return known.get(key) || new Row(this, film, key); // films come one by one: those there stay
      });
      this.list.replaceChildren(...this.rows.map((row) => row.root));
      this.layout();
      this.root.dataset.ready = "";
    }

    // ------------------------------------------------------------------ levels and places

    // Where a level is on a strip, in px; 0 has its place at the right end.
    x(sigma, width) {
      const span = Math.max(1e-9, this.high - this.low);
      return sigma > 0 ? THUMB / 2 + ((this.high - Math.log(sigma)) / span) * (width - END - THUMB) : width - END / 2;
    }

    // The slider's way, 0 to 1, from the highest level to 0, and back.
    share(sigma) {
      return (this.x(sigma, this.width) - THUMB / 2) / (this.width - END / 2 - THUMB / 2);
    }

    level(share) {
      const last = this.share(Math.exp(this.low));
      if (share > last) return share > (1 + last) / 2 ? 0 : Math.exp(this.low);
      return Math.exp(this.high - (share / last) * (this.high - this.low));
    }

    get width() {
      return Math.max(2 * THUMB + END, this.rows[0].strip.clientWidth);
    }

    to(sigma) {
      const last = this.levels[this.levels.length - 1], at = this.share(sigma);
      this.sigma = sigma;
      this.range.value = Math.round(PARTS * at);
      this.range.style.setProperty("--range_progress", `${100 * at}%`);
      this.told.textContent = sigma <= last ? `the end, sigma ${said(last)}` : `sigma ${said(sigma)}`;
      this.range.setAttribute("aria-valuetext", this.told.textContent);
      this.root.style.setProperty("--at", `${this.x(sigma, this.width)}px`);
      for (const row of this.rows) row.show(sigma);
    }

    // The next level at which anything changes.
    key(event) {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const next = step > 0 ? this.levels.find((sigma) => sigma < this.sigma) : [...this.levels].reverse().find((sigma) => sigma > this.sigma);
      if (next !== undefined) this.to(next);
    }

    // A press on a row's strip goes there, and on as it is dragged; on a frame to that frame's level.
    follow({ strip, thumbs, film }) {
      let down = null;
      const moved = (event) => Math.abs(event.clientX - down.clientX) > CLICK;
      const there = (event) => {
        const x = event.clientX - strip.getBoundingClientRect().left;
        this.to(this.level(Math.min(1, Math.max(0, (x - THUMB / 2) / (this.width - END / 2 - THUMB / 2)))));
      };
      strip.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        down = event;
        strip.setPointerCapture(event.pointerId);
      });
      strip.addEventListener("pointermove", (event) => down && moved(event) && there(event));
      strip.addEventListener("pointerup", (event) => {
        const frame = down && film.frames[thumbs.indexOf(down.target)];
        if (frame && !moved(event)) this.to(frame.sigma);
        else if (down) there(event);
        down = null;
      });
      strip.addEventListener("pointercancel", () => (down = null));
    }

    layout() {
      if (!this.rows.length || !this.root.clientWidth) return; // hidden tab
      for (const row of this.rows) row.layout();
      const strip = this.rows[0].strip, width = strip.clientWidth;
      this.foot.style.marginInlineStart = `${strip.getBoundingClientRect().left - this.root.getBoundingClientRect().left}px`;
      this.range.style.margin = `0 ${(END - KNOB) / 2}px 0 ${(THUMB - KNOB) / 2}px`; // the knob's middle on its level
      this.axis.textContent = "";
      const tick = (sigma) => {
        const node = make("span", "", this.axis);
        node.textContent = said(sigma);
        node.style.left = `${this.x(sigma, width)}px`;
      };
      const many = width > 500 ? 1 : 2;
      for (let e = Math.ceil(this.low / Math.LN10 - 1e-9); e <= this.high / Math.LN10 + 1e-9; e += many) tick(10 ** e);
      if (this.levels.includes(0)) tick(0);
      this.to(this.sigma);
    }
  }

  window.FilmView = { mount: (context) => new View(context), instances, placed };
})();
