/* The draggable curve. Plotly draws axes, references and the curve at rest; an SVG overlay holds
 * the handles and the curve while it moves. Nothing goes to Python until a level is released.
 * Mounted from js_on_load of components/schedule_editor.py. */
(function () {
  "use strict";
  const E = window.ScheduleEditor;
  const { Plotly, Levels, same, text } = E;
  const KEY_PAUSE = 350; // ms: a burst of keys is one undo step and one event
  const HELP = "Drag a level, or focus one: up and down change it (Shift fine, Page coarse), left, right, Home and End " +
    "move between levels, Enter types a value, Insert adds, Delete removes, Ctrl+Z undoes, Escape cancels.";
  const instances = new Set();

  const make = (tag, className, parent, attributes) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    for (const name in attributes || {}) node.setAttribute(name, attributes[name]);
    if (parent) parent.appendChild(node);
    return node;
  };

  class Editor {
    constructor({ element, props, trigger, watch }) {
      Object.assign(this, { element, props, trigger });
      this.levels = new Levels(this.given(), () => ({
        low: props.sigma_min || 1e-4, high: props.sigma_max || 1e4,
        lockFirst: this.lockEnds && props.lock_first, lockLast: this.lockEnds && props.lock_last, locked: props.interactive === false,
      }));
      this.lockEnds = true;
      this.rev = 0; this.selected = -1; this.axisKey = "sigma"; this.fraction = false;
      this.stats = { newPlots: 0, pushes: 0, stale: 0 };
      this.build();
      this.resizes = new ResizeObserver(() => this.resized());
      this.resizes.observe(this.host);
      this.theme = new MutationObserver(() => this.ready && this.redraw());
      this.theme.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      watch("value", () => this.pushed());
      watch(["references", "times", "bars", "bars_label", "sigma_min", "sigma_max", "interactive", "label"], () => this.configured());
      instances.add(this);
      this.resized();
    }

    get sigmas() { return this.levels.sigmas; }
    get axis() { const all = E.axes(this.props.times); return all[this.axisKey] || all.sigma; }

    given() {
      const value = this.props.value;
      return ((value && value.sigmas) || []).map(Number).filter(Number.isFinite);
    }

    // ------------------------------------------------------------------ the page

    build() {
      const root = (this.root = this.element.querySelector(".se-root"));
      root.textContent = "";
      root.setAttribute("role", "group");
      root.setAttribute("aria-label", `${this.props.label}: noise schedule editor`);
      const bar = make("div", "se-bar", root, { role: "toolbar", "aria-label": "Curve" });
      this.buttons = {};
      const button = (name, face, title, act) => {
        const node = make("button", "se-btn", bar, { type: "button", title, "aria-label": title, "data-cmd": name });
        node.textContent = face;
        node.addEventListener("click", act);
        this.buttons[name] = node;
      };
      button("undo", "↶", "Undo (Ctrl+Z)", () => this.undo());
      button("redo", "↷", "Redo (Ctrl+Shift+Z)", () => this.redo());
      button("add", "+", "Add a level after the selected one (Insert)", () => this.insert());
      button("remove", "−", "Remove the selected level (Delete)", () => this.remove());
      button("lock", "🔒", "Lock the first and the last level", () => this.toggleLock());
      const choose = (title, options, act) => {
        const node = make("select", "se-select", bar, { "aria-label": title, title });
        for (const [value, label] of options) make("option", "", node, { value }).textContent = label;
        node.addEventListener("change", () => act(node.value));
        return node;
      };
      this.ySelect = choose("Vertical axis", [], (key) => { this.axisKey = key; this.redraw(); });
      this.xSelect = choose("Horizontal axis", [["step", "by step"], ["fraction", "by fraction"]], (key) => { this.fraction = key === "fraction"; this.redraw(); });
      this.fillAxes();
      this.said = make("output", "se-said", bar, { "aria-live": "polite" });
      this.legend = make("ul", "se-legend", root, { "aria-label": "Curves" });
      this.host = make("div", "se-host", root);
      this.host.style.height = `${this.props.height || 300}px`;
      this.plot = make("div", "se-plot", this.host, { "aria-hidden": "true" });
      this.moving = E.svg(E.svg(this.host, "svg", { class: "se-overlay", "aria-hidden": "true" }), "polyline", { class: "se-line" });
      this.overlay = E.svg(this.host, "svg", { class: "se-overlay", role: "group", "aria-label": "Levels", focusable: "false" });
      this.tip = make("div", "se-tip", this.host, { hidden: "" });
      this.barStrip = E.svg(root, "svg", { class: "se-strip", role: "img" });
      this.densityStrip = E.svg(root, "svg", { class: "se-strip", role: "img", "aria-label": "Where the levels stand along log sigma, noise on the left" });
      const id = `se-help-${Math.random().toString(36).slice(2)}`;
      this.help = make("p", "se-help", root, { id });
      this.help.textContent = HELP;
      this.listen();
    }

    listen() {
      const { overlay, host, root } = this;
      overlay.addEventListener("pointerdown", (e) => this.grab(e));
      overlay.addEventListener("pointermove", (e) => this.drag(e));
      overlay.addEventListener("pointerup", (e) => this.release(e));
      overlay.addEventListener("pointercancel", (e) => this.release(e, true));
      overlay.addEventListener("lostpointercapture", (e) => this.held && this.release(e));
      overlay.addEventListener("dblclick", (e) => { const i = this.handleOf(e.target); if (i >= 0) this.type(i); });
      overlay.addEventListener("pointerover", (e) => { const i = this.handleOf(e.target); if (i >= 0 && !this.held) this.showTip(i); });
      overlay.addEventListener("pointerout", () => { if (!this.held) this.tip.hidden = true; });
      // on the host: Chromium makes an <svg> with focus listeners a tab stop
      host.addEventListener("focusin", (e) => { const i = this.handleOf(e.target); if (i >= 0) { this.selected = i; this.place(); this.showTip(i); } });
      host.addEventListener("focusout", () => { this.flush(); this.tip.hidden = true; });
      root.addEventListener("keydown", (e) => this.key(e));
    }

    fillAxes() {
      const all = E.axes(this.props.times);
      this.ySelect.textContent = "";
      for (const key in all) make("option", "", this.ySelect, { value: key }).textContent = all[key].label;
      if (!all[this.axisKey]) this.axisKey = "sigma";
      this.ySelect.value = this.axisKey;
    }

    fillLegend() {
      this.legend.textContent = "";
      const curves = [{ name: this.props.label, color: "var(--color-accent)", dash: "solid" }, ...this.references()];
      for (const curve of curves) {
        const item = make("li", "", this.legend, { title: curve.source || "" });
        make("span", "se-swatch", item, { style: `--c:${E.readable(curve.color)}`, "data-dash": curve.dash || "dash" });
        make("span", "", item).textContent = curve.name;
      }
    }

    references() { return this.props.references || []; }
    handleOf(node) { const g = node && node.closest && node.closest(".se-handle"); return g ? Number(g.dataset.i) : -1; }
    say(words) { this.said.textContent = words; }

    // ------------------------------------------------------------------ drawing

    resized() {
      if (this.gone) return;
      if (!this.element.isConnected) return this.destroy();
      const { clientWidth: width, clientHeight: height } = this.host;
      if (!width || !height) return; // in a hidden tab
      if (!this.ready) { if (!this.starting) this.start(); return; }
      if (width === this.width) return;
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.redraw());
    }

    figure() {
      this.width = this.host.clientWidth || this.width;
      return E.figure({
        node: this.root, levels: this.sigmas, references: this.references(), axis: this.axis, fraction: this.fraction,
        label: this.props.label, width: this.width, height: this.host.clientHeight || this.props.height,
      });
    }

    async start() {
      this.starting = true;
      this.stats.newPlots++;
      const { data, layout, config } = this.figure();
      await Plotly.newPlot(this.plot, data, layout, config);
      if (this.gone) return;
      this.ready = true;
      this.fillLegend();
      this.place();
      this.root.dataset.ready = "1";
    }

    redraw() {
      if (!this.ready || this.gone) return Promise.resolve();
      const { data, layout, config } = this.figure();
      return Plotly.react(this.plot, data, layout, config).then(() => { this.fillLegend(); this.place(); });
    }

    // The only two places that know Plotly's insides.
    at(i) {
      const { xaxis: x, yaxis: y, _size: size } = this.plot._fullLayout, v = this.sigmas[i];
      const px = x._offset + x.d2p(this.fraction ? i / this.levels.steps : i);
      return [px, v > 0 ? y._offset + y.d2p(this.axis.to(v)) : size.t + size.h];
    }
    levelAt(py) {
      const { yaxis: y } = this.plot._fullLayout;
      return this.axis.from(y.p2d(py - y._offset));
    }

    place() {
      if (!this.ready || this.gone) return;
      const n = this.sigmas.length, { levels, overlay } = this;
      for (const svg of this.host.querySelectorAll("svg.se-overlay")) svg.setAttribute("viewBox", `0 0 ${this.width} ${this.host.clientHeight}`);
      while (overlay.childElementCount > n) overlay.lastElementChild.remove();
      while (overlay.childElementCount < n) this.addHandle(overlay.childElementCount);
      this.selected = Math.min(this.selected, levels.steps);
      const stop = this.selected >= 0 ? this.selected : levels.firstFree();
      for (let i = 0; i < n; i++) this.describe(i, stop);
      this.buttons.undo.disabled = !levels.past.length;
      this.buttons.redo.disabled = !levels.future.length;
      this.buttons.remove.disabled = levels.steps < 2;
      this.buttons.lock.setAttribute("aria-pressed", String(this.lockEnds));
      E.density(this.densityStrip, this.sigmas, this.width);
      this.placeBars();
    }

    placeBars() {
      const values = this.props.bars || [];
      const fits = values.length === this.levels.steps && !this.held;
      this.barStrip.style.display = values.length ? "" : "none";
      this.barStrip.style.opacity = fits ? 1 : 0.35;
      if (!fits) return;
      this.barStrip.setAttribute("aria-label", this.props.bars_label || "Objective of each interval");
      E.bars(this.barStrip, values, (i) => this.at(i)[0], this.width);
    }

    addHandle(i) {
      const g = E.svg(this.overlay, "g", { class: "se-handle", role: "slider", "aria-orientation": "vertical", "aria-describedby": this.help.id, "data-i": i, tabindex: -1 });
      E.svg(g, "circle", { class: "se-reach", r: 16 });
      E.svg(g, "circle", { class: "se-ring", r: 10 });
      E.svg(g, "circle", { class: "se-dot", r: 5 });
    }

    describe(i, stop) {
      const g = this.overlay.children[i], [x, y] = this.at(i), [low, high] = this.levels.range(i), locked = this.levels.locked(i);
      g.setAttribute("transform", `translate(${x.toFixed(2)},${y.toFixed(2)})`);
      g.classList.toggle("se-locked", locked);
      g.classList.toggle("se-selected", i === this.selected);
      g.classList.toggle("se-small", this.sigmas.length > 60);
      g.setAttribute("tabindex", i === stop ? "0" : "-1");
      g.setAttribute("aria-label", `Level ${i} of ${this.levels.steps}`);
      g.setAttribute("aria-valuemin", Math.min(low, this.sigmas[i]));
      g.setAttribute("aria-valuemax", high);
      g.setAttribute("aria-valuenow", this.sigmas[i]);
      g.setAttribute("aria-valuetext", `sigma ${text(this.sigmas[i])}${locked ? ", locked" : ""}`);
      if (locked) g.setAttribute("aria-disabled", "true"); else g.removeAttribute("aria-disabled");
    }

    showTip(i) {
      if (!this.ready) return;
      const [x, y] = this.at(i), v = this.sigmas[i];
      this.tip.hidden = false;
      this.tip.textContent = `${i}: ${v > 0 ? this.axis.say(v) : "σ = 0, the end"}${this.levels.locked(i) ? " (locked)" : ""}`;
      this.tip.style.left = `${Math.min(Math.max(x - this.tip.offsetWidth / 2, 2), this.width - this.tip.offsetWidth - 2)}px`;
      this.tip.style.top = `${y > 52 ? y - 44 : y + 24}px`; // above the finger
    }

    // While a level moves, the curve is a polyline (well under 1 ms); Plotly draws once, at the end.
    drawMoving() {
      const points = [];
      for (let i = 0; i < this.sigmas.length; i++) if (this.sigmas[i] > 0) points.push(this.at(i).map((v) => v.toFixed(2)).join(","));
      this.moving.setAttribute("points", points.join(" "));
    }

    // ------------------------------------------------------------------ pointer

    nearest(e) {
      const box = this.host.getBoundingClientRect(), x = e.clientX - box.left, y = e.clientY - box.top;
      let best = -1, least = Infinity;
      for (let i = 0; i < this.sigmas.length; i++) {
        const [px, py] = this.at(i), far = Math.hypot(px - x, py - y) + (this.levels.locked(i) ? 6 : 0);
        if (far < least) { least = far; best = i; }
      }
      return best;
    }

    grab(e) {
      if (e.button !== 0 || !e.isPrimary || this.handleOf(e.target) < 0) return;
      e.preventDefault();
      this.flush();
      const i = this.nearest(e), handle = this.overlay.children[i]; // dense handles overlap
      this.selected = i;
      handle.focus({ preventScroll: true });
      this.place();
      this.showTip(i);
      if (this.levels.locked(i)) return this.say("This level is locked");
      const top = this.host.getBoundingClientRect().top;
      this.held = { i, pointer: e.pointerId, before: this.sigmas.slice(), offset: e.clientY - top - this.at(i)[1], handle };
      try { handle.setPointerCapture(e.pointerId); } catch (_) { /* a synthetic event has no pointer */ }
      this.root.classList.add("se-dragging");
      this.drawMoving();
    }

    drag(e) {
      const held = this.held;
      if (!held || e.pointerId !== held.pointer) return;
      e.preventDefault();
      const top = this.host.getBoundingClientRect().top;
      if (!this.levels.set(held.i, this.levelAt(e.clientY - top - held.offset))) return;
      const [x, y] = this.at(held.i);
      held.handle.setAttribute("transform", `translate(${x.toFixed(2)},${y.toFixed(2)})`);
      held.handle.setAttribute("aria-valuenow", this.sigmas[held.i]);
      this.showTip(held.i);
      this.drawMoving();
      this.live();
    }

    release(e, cancelled) {
      const held = this.held;
      if (!held || e.pointerId !== held.pointer) return;
      this.held = null;
      this.root.classList.remove("se-dragging");
      this.tip.hidden = true;
      if (cancelled) this.levels.sigmas = held.before;
      const changed = !cancelled && this.levels.record(held.before);
      this.redraw();
      if (changed) this.publish();
      if (this.waiting) { // Python sent something meanwhile: what the user changed wins
        const waiting = this.waiting;
        this.waiting = null;
        if (!changed) this.adopt(waiting);
      }
    }

    live() {
      const every = Number(this.props.live_ms) || 0, now = performance.now();
      if (!every || now - (this.lastLive || 0) < every) return;
      this.lastLive = now;
      this.props.value = { sigmas: this.sigmas.slice(), rev: this.rev };
      this.trigger("input", { rev: this.rev });
    }

    // ------------------------------------------------------------------ keyboard

    key(e) {
      const command = e.ctrlKey || e.metaKey, letter = e.key.toLowerCase();
      if (command && (letter === "z" || letter === "y")) {
        e.preventDefault();
        return letter === "y" || e.shiftKey ? this.redo() : this.undo();
      }
      if (e.key === "Escape" && this.held) return this.release({ pointerId: this.held.pointer }, true);
      const i = this.handleOf(e.target);
      if (i < 0 || command || e.altKey) return;
      const act = this.keys(i, e.shiftKey ? 1.001 : 1.01)[e.key];
      if (act) { e.preventDefault(); act(); }
    }

    keys(i, factor) {
      const go = (k) => { this.flush(); this.focus(Math.min(this.levels.steps, Math.max(0, k))); };
      const remove = () => this.remove(i), insert = () => this.insert(i);
      return {
        ArrowLeft: () => go(i - 1), ArrowRight: () => go(i + 1), Home: () => go(0), End: () => go(this.levels.steps),
        ArrowUp: () => this.nudge(i, factor), ArrowDown: () => this.nudge(i, 1 / factor),
        PageUp: () => this.nudge(i, 1.1), PageDown: () => this.nudge(i, 1 / 1.1),
        Insert: insert, "+": insert, Delete: remove, Backspace: remove, Enter: () => this.type(i),
      };
    }

    focus(i) { const g = this.overlay.children[i]; if (g) g.focus({ preventScroll: true }); }

    nudge(i, factor) {
      if (this.levels.locked(i)) return this.say("This level is locked");
      if (!this.burst) this.burst = this.sigmas.slice();
      if (this.levels.set(i, this.sigmas[i] * factor)) {
        this.root.classList.add("se-dragging");
        this.drawMoving();
        this.place();
        this.showTip(i);
        this.say("");
      } else this.say("At its limit: the next level is in the way");
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.flush(), KEY_PAUSE);
    }

    flush() {
      clearTimeout(this.pause);
      const before = this.burst;
      this.burst = null;
      if (!before) return;
      this.root.classList.remove("se-dragging");
      this.redraw();
      if (this.levels.record(before)) this.publish();
    }

    type(i) {
      if (this.levels.locked(i)) return this.say("This level is locked");
      this.flush();
      const [x, y] = this.at(i), box = make("div", "se-type", this.host);
      const field = make("input", "", box, { type: "text", inputmode: "decimal", "aria-label": `Sigma of level ${i}` });
      const words = make("span", "se-refusal", box, { role: "alert" });
      field.value = String(this.sigmas[i]);
      box.style.left = `${Math.min(Math.max(x - 60, 2), this.width - 190)}px`;
      box.style.top = `${Math.max(0, y - 46)}px`;
      field.select();
      field.focus();
      let open = true;
      const close = (keep) => {
        if (!open || (keep && this.levels.refusal(i, Number(field.value)))) return;
        open = false;
        const before = this.sigmas.slice();
        box.remove();
        if (keep && this.levels.set(i, Number(field.value))) { this.redraw(); if (this.levels.record(before)) this.publish(); }
        this.focus(i);
      };
      field.addEventListener("input", () => {
        words.textContent = this.levels.refusal(i, Number(field.value.trim() || NaN));
        field.setAttribute("aria-invalid", String(Boolean(words.textContent)));
      });
      field.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Enter") close(true); if (e.key === "Escape") close(false); });
      field.addEventListener("blur", () => { close(true); close(false); });
    }

    // ------------------------------------------------------------------ changes

    changed(before, focus, words) {
      this.selected = focus;
      this.redraw().then(() => this.focus(focus));
      if (this.levels.record(before)) this.publish();
      this.say(words);
    }

    insert(at = this.selected) {
      this.flush();
      const before = this.sigmas.slice();
      if (before.length >= (this.props.max_levels || 200)) return this.say(`At most ${this.props.max_levels || 200} levels`);
      const i = this.levels.insert(at < 0 ? 0 : at);
      if (i < 0) return this.say("No room for a level here");
      this.changed(before, i, `Level added: ${this.levels.steps} steps`);
    }

    remove(i = this.selected) {
      this.flush();
      if (this.levels.steps < 2) return this.say("A schedule needs two levels");
      if (i < 0) return this.say("Select a level first");
      if (this.levels.locked(i)) return this.say("This level is locked");
      const before = this.sigmas.slice();
      this.levels.remove(i);
      this.changed(before, Math.min(i, this.levels.steps), `Level removed: ${this.levels.steps} steps`);
    }

    travel(moved, words) { if (moved) { this.redraw(); this.publish(); this.say(words); } }
    undo() { this.flush(); this.travel(this.levels.undo(), "Undone"); }
    redo() { this.flush(); this.travel(this.levels.redo(), "Redone"); }
    toggleLock() { this.lockEnds = !this.lockEnds; this.place(); this.say(this.lockEnds ? "Ends locked" : "Ends free"); }

    publish() {
      this.rev++;
      this.props.value = { sigmas: this.sigmas.slice(), rev: this.rev }; // Gradio compares by identity
      this.trigger("release", { rev: this.rev });
    }

    // ------------------------------------------------------------------ from Python

    pushed() {
      const value = this.props.value, rev = value && value.rev != null ? value.rev : null;
      this.stats.pushes++;
      if (rev !== null && rev < this.rev) { // an answer to an older edit: the newer one stands
        this.stats.stale++;
        this.props.value = { sigmas: this.sigmas.slice(), rev: this.rev };
        return;
      }
      if (this.held) this.waiting = this.given();
      else this.adopt(this.given());
    }

    adopt(sigmas) {
      if (sigmas.length < 2 || same(sigmas, this.sigmas)) return;
      clearTimeout(this.pause);
      this.burst = null;
      const before = this.sigmas;
      this.levels.sigmas = sigmas;
      this.levels.record(before); // a push from Python can be undone like any other change
      this.redraw();
    }

    configured() {
      this.fillAxes();
      if (this.held || this.burst) return this.fillLegend();
      this.redraw();
    }

    destroy() {
      this.gone = true;
      this.resizes.disconnect();
      this.theme.disconnect();
      Plotly.purge(this.plot);
      instances.delete(this);
    }
  }

  Object.assign(E, { instances, mount: (context) => new Editor(context) });
})();
