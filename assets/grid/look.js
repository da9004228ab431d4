// The close look at two cells: side by side, wiped, flickering, or their difference.
(function () {
  "use strict";
  const G = window.GridView, P = window.GridPoints, { make, setText } = window.Dom;
  const MODES = { side: "Side by side", wipe: "Wipe", flicker: "Flicker", difference: "Difference" };
  const KEYS = { s: "side", w: "wipe", f: "flicker", d: "difference" };
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const FLICKER = 600; // ms each
  const NUDGE = 0.02; // of what is seen of a cloud, by one key
  const MANY = 24; // levels: more are folded
  const GRIP = 28; // px beside the wipe's edge that a finger takes hold of while the pictures are zoomed

  class Look {
    constructor(view) {
      this.view = view;
      this.mode = "side";
      const root = (this.root = make("section", "gv-look", view.root, { "aria-label": "Close look", hidden: "" }));
      const bar = make("div", "gv-bar", root, { role: "toolbar", "aria-label": "Close look" });
      this.modes = {};
      for (const [mode, label] of Object.entries(MODES)) {
        const key = Object.keys(KEYS).find((k) => KEYS[k] === mode);
        this.modes[mode] = this.button(bar, label, () => this.choose(mode), key);
      }
      this.button(bar, "Swap", () => this.swap(), "x");
      this.picker = this.button(bar, "Choose B", () => view.pickB(!view.picking), "b");
      this.editor = this.button(bar, "Edit A's schedule", () => view.trigger("select", { cell: this.a, action: "edit" }), "e");
      this.button(bar, "Close", () => this.close(), "Escape").classList.add("gv-close");
      const stage = make("div", "gv-stage", root);
      this.figures = ["A", "B"].map((letter) => this.figure(stage, letter));
      const main = (this.main = this.figures[0].window);
      this.top = new G.Shot(main); // B over A, for wipe and flicker
      this.top.box.classList.add("gv-top");
      this.heat = make("canvas", "gv-inner gv-heat", make("span", "gv-shot gv-heated", main));
      make("span", "gv-edge", main);
      this.letters = ["A", "B"].map((letter) => {
        const node = make("b", "gv-badge gv-letter", main, { "aria-hidden": "true" });
        node.textContent = letter;
        return node;
      });
      this.below(make("div", "gv-below", root));
      main.addEventListener("pointerdown", (event) => this.mode === "wipe" && !event.button && this.grab(event));
      main.addEventListener("pointermove", (event) => this.wiping && this.wipeTo(event));
      for (const end of ["pointerup", "pointercancel"]) main.addEventListener(end, () => this.letGo());
      this.wipe(0.5);
    }

    figure(stage, letter) {
      const figure = make("figure", "gv-figure", stage);
      const window_ = make("div", "gv-window", figure, { tabindex: "0", role: "group" });
      const shot = new G.Shot(window_);
      make("span", "gv-probe", window_);
      window_.addEventListener("keydown", (event) => this.nudge(event));
      const caption = make("figcaption", "", figure);
      make("b", "", caption).textContent = letter;
      return { window: window_, shot, name: make("span", "gv-of", caption), levels: make("span", "gv-levels", caption) };
    }

    below(bar) {
      const label = (this.wiper = make("label", "gv-wiper", bar));
      make("span", "", label).textContent = "A | B";
      this.range = make("input", "", label, { type: "range", min: "0", max: "100", value: "50", "aria-label": "How much of A is shown" });
      this.range.addEventListener("input", () => this.wipe(this.range.value / 100));
      this.scale = make("span", "gv-scale", bar);
      make("span", "", this.scale).textContent = "0";
      make("span", "gv-ramp", this.scale).style.setProperty("--ramp", G.difference.bar);
      this.most = make("span", "", this.scale);
      this.words = make("output", "gv-words", bar, { "aria-live": "polite" });
      this.pixel = make("output", "gv-pixel", bar, { "aria-live": "off" });
    }

    button(bar, label, act, key) {
      const node = make("button", "gv-button", bar, { type: "button", title: `${label} (${key === "Escape" ? "Esc" : key.toUpperCase()})` });
      node.textContent = label;
      node.addEventListener("click", act);
      return node;
    }

    show(a, b) {
      this.a = a;
      this.b = b;
      this.root.hidden = false;
      this.choose(this.mode);
    }

    close() {
      this.root.hidden = true;
      clearInterval(this.blinking);
      this.view.closed();
    }

    get open() {
      return !this.root.hidden;
    }

    swap() {
      [this.a, this.b] = [this.b, this.a];
      this.view.mark();
      this.refresh();
    }

    choose(mode) {
      this.mode = mode;
      for (const [each, node] of Object.entries(this.modes)) node.setAttribute("aria-pressed", String(each === mode));
      this.root.dataset.mode = mode;
      clearInterval(this.blinking);
      this.main.classList.remove("gv-off");
      const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (mode === "flicker" && !still) this.blinking = setInterval(() => this.blink(), FLICKER);
      this.refresh();
    }

    // The other one: by itself, or by the key where motion is not wanted.
    blink() {
      this.main.classList.toggle("gv-off");
    }

    get cells() {
      return [this.view.data(this.a), this.view.data(this.b)];
    }

    // The pixels of both, where they are pictures and have been read.
    get images() {
      const read = () => this.open && this.refresh();
      return this.cells.map((cell) => cell && cell.picture && G.pixelsOf(cell.picture.url, read));
    }

    refresh() {
      const cells = this.cells, field = this.view.field();
      if (!cells[0] || !cells[1]) return;
      this.figures.forEach((each, i) => {
        each.shot.show(cells[i], field);
        each.window.setAttribute("aria-label", `${"AB"[i]}: ${cells[i].name}. Arrows read pixels, Shift and arrows move.`);
        setText(each.name, [cells[i].name, ...cells[i].caption].join(" · "));
        this.ran(each.levels, cells[i].levels);
      });
      const layered = this.mode === "wipe" || this.mode === "flicker";
      this.top.show(layered ? cells[1] : null, field);
      this.found = this.mode === "difference" ? this.differ(cells) : null;
      this.heat.parentNode.hidden = !this.found;
      if (this.found) G.difference.draw(this.heat, this.found);
      this.scale.hidden = !this.found || !this.found.most;
      setText(this.most, this.found && this.found.scale);
      this.editor.hidden = cells[0].reference;
      const missing = cells.findIndex((cell) => cell.state !== "done");
      setText(this.words, missing >= 0 ? `${"AB"[missing]} has no result` : this.found && this.found.words);
      this.wiper.hidden = this.mode !== "wipe";
      if (this.probe) this.at(...this.probe);
      this.paint();
    }

    // The levels that ran; those of a long run are folded, with the first and the last seen.
    ran(node, levels) {
      if (node.dataset.levels === levels) return;
      node.dataset.levels = levels;
      const all = levels ? levels.split(", ") : [];
      setText(node, all.length && all.length <= MANY ? `ran ${levels}` : "");
      if (all.length <= MANY) return;
      const fold = make("details", "", node), positive = all.filter((level) => Number(level) > 0);
      make("summary", "", fold).textContent = `ran ${all.length} levels, ${positive[0]} … ${positive[positive.length - 1]}`;
      fold.append(levels);
      node.hidden = false;
    }

    paint() {
      for (const shot of [...this.figures.map((each) => each.shot), this.top]) shot.paint(this.view.zoom);
    }

    differ([a, b]) {
      if (a.cloud && b.cloud) return G.difference.ofClouds(this.figures[0].shot.points, this.figures[1].shot.points, this.view.value.extent);
      if (!a.picture || !b.picture) return null;
      const [one, other] = this.images;
      return one && other ? G.difference.ofPictures(one, other) : null; // until the browser has read them
    }

    // ------------------------------------------------------------------ the wipe

    wipe(share) {
      this.root.style.setProperty("--wipe", `${100 * share}%`);
      this.range.style.setProperty("--range_progress", `${100 * share}%`);
    }

    grab(event) {
      const box = this.main.getBoundingClientRect(), edge = box.left + (box.width * this.range.value) / 100;
      const moves = event.pointerType === "touch" && this.view.zoom.scale > 1; // one finger moves what is zoomed
      if (moves && Math.abs(event.clientX - edge) > GRIP) return;
      this.wiping = true;
      this.view.root.classList.add("gv-wiping");
      this.main.setPointerCapture(event.pointerId);
      this.wipeTo(event);
    }

    wipeTo(event) {
      const box = this.main.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      this.range.value = Math.round(100 * share);
      this.wipe(share);
    }

    letGo() {
      this.wiping = false;
      this.view.root.classList.remove("gv-wiping");
    }

    // ------------------------------------------------------------------ values at one place

    // The value of both at (u, v) of the picture, 0 to 1, with a mark there in both.
    at(u, v) {
      const inside = u >= 0 && v >= 0 && u < 1 && v < 1;
      this.probe = inside ? [u, v] : null;
      this.root.classList.toggle("gv-probed", inside);
      if (!inside) return setText(this.pixel, "");
      this.root.style.setProperty("--u", u);
      this.root.style.setProperty("--v", v);
      setText(this.pixel, this.view.value.kind === "points" ? this.ofPoints(u, v) : this.ofPixels(u, v));
    }

    ofPoints(u, v) {
      const to = P.square(this.view.value.extent), x = to.x(u), y = to.y(v), told = [`x ${x.toFixed(3)}, y ${y.toFixed(3)}`];
      this.figures.forEach(({ shot }, i) => {
        const best = shot.points && P.nearest(shot.points, x, y);
        if (best) told.push(`nearest of ${"AB"[i]} (${best.x.toFixed(3)}, ${best.y.toFixed(3)}), ${best.far.toFixed(3)} away`);
      });
      return told.join(" · ");
    }

    ofPixels(u, v) {
      const images = this.images, [one, other] = images;
      const image = one || other;
      if (!image) return "";
      const column = Math.floor(u * image.width), row = Math.floor(v * image.height), k = 4 * (row * image.width + column);
      const told = [`column ${column}, row ${row}`];
      images.forEach((each, i) => each && told.push(`${"AB"[i]} ${each.data.slice(k, k + 3).join(" ")}`));
      if (one && other) told.push(`|A − B| ${G.difference.far(one, other, k).toFixed(0)}`);
      return told.join(" · ");
    }

    // Arrows: one pixel on, or a little way in a cloud; the view follows.
    nudge(event) {
      const step = ARROWS[event.key], zoom = this.view.zoom;
      if (!step || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const picture = this.cells.map((cell) => cell && cell.picture).find(Boolean);
      const [across, down] = picture ? [1 / picture.width, 1 / picture.height] : [NUDGE / zoom.scale, NUDGE / zoom.scale];
      const whole = (at, side) => (Math.floor(at / side) + 0.5) * side; // the middle of a pixel
      let [u, v] = this.probe || zoom.inside(0.5, 0.5);
      if (picture) [u, v] = [whole(u, across), whole(v, down)];
      const next = (at, move) => (at + move >= 0 && at + move < 1 ? at + move : at);
      this.at(next(u, step[0] * across), next(v, step[1] * down));
      this.pixel.setAttribute("aria-live", "polite"); // by hand: read it out
      zoom.reveal(...this.probe);
    }

    key(event) {
      const mode = KEYS[event.key.toLowerCase()];
      if (mode === "flicker" && this.mode === "flicker") {
        clearInterval(this.blinking); // by hand from now on
        this.blink();
      } else if (mode) this.choose(mode);
      else if (event.key.toLowerCase() === "x") this.swap();
      else if (event.key.toLowerCase() === "b") this.view.pickB(!this.view.picking);
      else if (event.key.toLowerCase() === "e" && !this.editor.hidden) this.editor.click();
      else if (event.key === "Escape") this.view.picking ? this.view.pickB(false) : this.close();
      else return false;
      return true;
    }
  }

  G.Look = Look;
})();
