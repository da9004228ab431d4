// The draggable curve. Plotly draws axes and references, marks.js the curve and its handles.
// drag.js and keys.js move levels; every edit ends in `settle`, every push begins in `pushed`.
// Mounted from components/schedule_editor.py.
(function () {
  "use strict";
  const { Plotly, CONFIG } = window.PlotlyTheme;
  const E = window.ScheduleEditor;
  const STRIP_ROOM = 56; // px right of the plot, for the density
  const CONFIGURED = ["references", "trial", "times", "bars_label", "sigma_min", "sigma_max", "interactive", "label", "height"];
  const instances = new Set();

  const given = (value) => ((value && value.sigmas) || []).map(Number).filter(Number.isFinite);

  class Editor {
    constructor({ element, props, trigger, watch }) {
      Object.assign(this, { element, props, trigger });
      this.levels = new E.Levels(given(props.value));
      this.levels.locks = { first: Boolean(props.lock_first), last: Boolean(props.lock_last) };
      this.costsFor = this.levels.sigmas.slice(); // the levels that the bars belong to
      this.rev = 0; // number of the newest edit made here, or of the push that made all older
      this.edited = 0; // number of the newest edit made here
      this.selected = -1;
      this.axisKey = "sigma";
      this.fraction = false;
      this.stats = { pushes: 0, stale: 0 };
      this.configure();
      this.build();
      this.listen();
      this.sizes = new ResizeObserver(() => this.resized());
      this.sizes.observe(this.host);
      this.themes = new MutationObserver(() => this.frame());
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.show(props.value && props.value.rev);
      watch("value", () => this.pushed());
      watch("bars", () => this.costed());
      watch(CONFIGURED, () => this.configured());
      instances.add(this);
      this.resized();
    }

    get sigmas() { return this.levels.sigmas; }
    get axis() { return this.axes[this.axisKey] || this.axes.sigma; }
    get busy() { return Boolean(this.drag.held || this.keys.burst || this.field); }

    // Reads the props; says whether anything in them changed.
    configure() {
      const { props } = this, read = JSON.stringify(CONFIGURED.map((name) => props[name]));
      if (read === this.configuredAs) return false;
      this.configuredAs = read;
      this.levels.low = props.sigma_min || 1e-4;
      this.levels.high = props.sigma_max || 1e4;
      this.levels.frozen = props.interactive === false;
      this.axes = E.axes(props.times && JSON.parse(props.times));
      if (!this.axes[this.axisKey]) this.axisKey = "sigma";
      this.curves = E.references([...(props.references || []), ...(props.trial ? [props.trial] : [])]);
      return true;
    }

    // ------------------------------------------------------------------ the page

    build() {
      this.root = this.element.querySelector(".se-root");
      const acts = {
        undo: () => this.undo(), redo: () => this.redo(), insert: () => this.insert(), remove: () => this.remove(),
        lock: () => this.toggleLocks(), vertical: (key) => { this.axisKey = key; this.frame(); },
        horizontal: (key) => { this.fraction = key === "fraction"; this.frame(); },
      };
      Object.assign(this, E.parts(this.root, acts));
      this.marks = new E.Marks(this.host, this.keyList.id);
      this.dress();
    }

    // Everything around the figure, from the props.
    dress() {
      const { props, tools } = this, axes = Object.entries(this.axes).map(([key, axis]) => [key, axis.label]);
      this.root.setAttribute("aria-label", `${props.label}: noise levels`);
      this.host.style.height = `${props.height}px`;
      E.fill(this.vertical, Object.fromEntries(axes), this.axisKey);
      E.legend(this.legend, props.label, this.curves);
      for (const name of ["undo", "redo", "insert", "remove", "lock"]) tools[name].hidden = this.levels.frozen;
      this.costLabel.textContent = props.bars_label || "";
    }

    listen() {
      const { host, marks } = this, { layer } = marks;
      this.drag = new E.Drag(this);
      this.keys = new E.Keys(this);
      layer.addEventListener("dblclick", (event) => this.type(this.drag.nearest(event)));
      layer.addEventListener("pointerover", (event) => { if (!this.busy) this.showTip(marks.indexOf(event.target)); });
      layer.addEventListener("pointerout", () => { if (!this.busy) this.showTip(-1); });
      host.addEventListener("pointermove", (event) => this.cite(event));
      host.addEventListener("pointerdown", (event) => this.cite(event));
      host.addEventListener("pointerleave", () => { this.cited.hidden = true; });
      // On the host: Chromium makes an <svg> with focus listeners a tab stop.
      host.addEventListener("focusin", (event) => this.select(marks.indexOf(event.target)));
      host.addEventListener("focusout", () => { this.keys.flush(); this.showTip(-1); });
    }

    say(words) { this.said.textContent = words; }

    showTip(i) {
      const sigma = this.levels.sigmas[i];
      if (sigma === undefined || !this.view) return void (this.tip.hidden = true);
      const words = [`level ${i}`, `σ ${E.text(sigma)}`, sigma > 0 && this.axis.say(sigma), this.levels.locked(i) && "locked"];
      E.tip(this.tip, words.filter(Boolean).join(" · "), this.marks.point(i), this.view.width);
    }

    // The reference under the pointer: its name, its level there, its source.
    cite({ clientX, clientY }) {
      const box = this.host.getBoundingClientRect(), x = clientX - box.left, y = clientY - box.top;
      const near = this.view && !this.busy && E.nearest(this.lines, x, y);
      if (!near) return void (this.cited.hidden = true);
      const { name, source } = this.curves[near.line], sigma = E.text(this.view.sigma(near.y));
      const told = !this.tip.hidden, lower = told && this.tip.classList.contains("se-under") ? 32 : 0;
      E.tip(this.cited, `${name}, σ ${sigma}${source && `\n${source}`}`, [x, y + lower], this.width);
      this.cited.classList.toggle("se-under", told || y < 76); // clear of what the level says
    }

    toggleLocks() {
      const { locks } = this.levels, both = locks.first && locks.last;
      locks.first = locks.last = !both;
      this.frame();
      this.say(both ? "Ends free" : "Ends locked");
    }

    // ------------------------------------------------------------------ drawing

    resized() {
      if (this.gone) return;
      if (!this.element.isConnected) return this.destroy();
      const { clientWidth: width, clientHeight: height } = this.host;
      if (!width || (width === this.width && height === this.height)) return; // unchanged, or in a hidden tab
      Object.assign(this, { width, height });
      this.frame();
    }

    // Axes and references: after a change of anything but the levels.
    frame() {
      if (this.gone || !this.width) return;
      const { sigmas, low, high, locks } = this.levels, { axis, fraction, width, height } = this;
      const shown = [sigmas, ...this.curves.map((curve) => curve.sigmas)].flat().filter((sigma) => sigma > 0);
      if (!shown.length || !locks.first) shown.push(high);
      if (!shown.length || !locks.last) shown.push(low);
      if (Math.max(...shown) === Math.min(...shown)) shown.push(low, high); // one level alone has no scale
      this.steps = Math.max(1, this.levels.steps);
      this.floor = this.levels.finalZero;
      const { data, layout } = E.figure({
        node: this.root, curves: this.curves, axis, fraction, steps: this.steps, range: E.span(axis, shown), floor: this.floor,
        width, height, right: STRIP_ROOM,
      });
      Plotly.react(this.plot, data, layout, CONFIG);
      this.measure();
      this.place();
      this.root.dataset.ready = "";
    }

    // Where things stand on screen: the only place that knows Plotly's insides.
    measure() {
      const { xaxis: x, yaxis: y, _size: size } = this.plot._fullLayout, { axis } = this, count = this.fraction ? this.steps : 1;
      this.view = {
        axis, width: this.width, left: size.l, top: size.t, end: y._offset + y._length, bottom: size.t + size.h,
        x: (i) => x._offset + x.d2p(i / count),
        y: (sigma) => y._offset + y.d2p(axis.to(sigma)),
        sigma: (py) => axis.from(y.p2d(py - y._offset)),
      };
      const { view, steps } = this, place = (n) => (sigma, i) => [view.x((i * steps) / n), view.y(sigma)];
      this.lines = this.curves.map(({ sigmas }) => sigmas.filter((sigma) => sigma > 0).map(place(sigmas.length - 1)));
    }

    // The levels, after they changed; axes follow only where they must.
    place() {
      if (!this.view) return;
      const { levels, view, tools } = this;
      const outside = levels.positive.some((sigma) => view.y(sigma) < view.top || view.y(sigma) > view.end);
      if (this.steps !== Math.max(1, levels.steps) || this.floor !== levels.finalZero || (outside && !this.refitted)) {
        this.refitted = true;
        this.frame();
        this.refitted = false;
        return;
      }
      this.selected = Math.min(this.selected, levels.steps);
      const focused = this.marks.indexOf(document.activeElement);
      this.marks.place(levels, view, this.selected);
      if (focused > levels.steps && this.root.contains(this.marks.layer)) this.focus(levels.steps);
      const idle = {
        undo: !levels.past.length, redo: !levels.future.length, insert: levels.sigmas.length >= this.props.max_levels,
        remove: levels.steps < 2 || this.selected < 0 || levels.locked(this.selected),
      };
      for (const [name, off] of Object.entries(idle)) tools[name].setAttribute("aria-disabled", String(off));
      const bothLocked = levels.locks.first && levels.locks.last;
      tools.lock.setAttribute("aria-pressed", String(bothLocked));
      E.face(tools.lock, bothLocked ? "lock" : "unlock");
      this.placeCosts();
    }

    placeCosts() {
      const values = this.props.bars || [], fitting = values.length === this.levels.steps;
      this.costs.hidden = !values.length;
      this.costs.classList.toggle("se-old", !E.same(this.costsFor, this.levels.sigmas));
      if (!fitting || !this.view) return;
      E.bars(this.costBars, values, this.view);
      const most = Math.max(...values);
      this.costBars.setAttribute("aria-label", `${this.props.bars_label}: most at step ${values.indexOf(most) + 1}, ${E.text(most)}`);
    }

    // ------------------------------------------------------------------ changes

    focus(i) {
      this.select(i);
      const handle = this.marks.handle(i);
      if (handle) handle.focus({ preventScroll: true });
    }

    select(i) {
      if (i < 0) return;
      if (i !== this.selected) { this.selected = i; this.place(); }
      this.showTip(i);
    }

    type(i) {
      if (i < 0) return;
      if (this.levels.locked(i)) return this.say(`Level ${i} is locked`);
      this.keys.flush();
      this.showTip(-1);
      const before = this.levels.sigmas.slice();
      this.field = E.field(this.host, {
        label: `Sigma of level ${i}`, value: String(E.rounded(before[i])), place: this.marks.point(i), width: this.width,
        check: (text) => this.levels.refusal(i, text),
        done: (text, key) => {
          this.field = null;
          if (text !== null) this.levels.put(i, E.number(text));
          this.settle(before, "type", i);
          if (key) this.focus(i);
        },
      });
    }

    insert(at = this.selected) {
      this.keys.flush();
      const most = this.props.max_levels, before = this.levels.sigmas.slice();
      if (before.length >= most) return this.say(`At most ${most} levels`);
      const i = this.levels.insert(Math.max(0, at));
      if (i < 0) return this.say(`No room for another level below level ${Math.max(0, Math.min(at, this.levels.steps - 1))}`);
      this.restep(before, "insert", i);
    }

    remove(i = this.selected) {
      this.keys.flush();
      if (i < 0) return this.say("Select a level first");
      if (this.levels.steps < 2) return this.say("A schedule needs two levels");
      if (this.levels.locked(i)) return this.say(`Level ${i} is locked`);
      const before = this.levels.sigmas.slice();
      this.levels.remove(i);
      this.restep(before, "remove", Math.min(i, this.levels.steps));
    }

    // Another number of steps. Focus goes along, unless it stands on the toolbar.
    restep(before, kind, i) {
      const within = this.host.contains(document.activeElement);
      this.selected = i;
      this.settle(before, kind, i);
      if (within) this.focus(i);
      this.say(`${this.levels.steps} steps`);
    }

    undo() { this.travel("undo", "Undone", "Nothing to undo"); }
    redo() { this.travel("redo", "Redone", "Nothing to redo"); }
    travel(way, words, nothing) {
      this.keys.flush();
      if (!this.levels[way]()) return this.say(nothing);
      this.place();
      this.publish(way, -1);
      this.say(words);
    }

    // After any edit: draw, remember and tell Python if something changed, then let it speak.
    settle(before, kind, i) {
      const changed = this.levels.record(before);
      if (this.reframe) this.frame();
      else this.place();
      this.reframe = false;
      if (changed) this.publish(kind, i);
      const waiting = this.waiting;
      this.waiting = null;
      if (waiting && !changed) this.adopt(waiting); // otherwise what the user did wins
    }

    publish(kind, level) {
      this.edited = ++this.rev;
      this.send("release", { kind, level });
    }

    send(event, more = {}) {
      this.show(this.rev);
      this.trigger(event, { rev: this.rev, ...more });
    }

    // What Python gets with the next event: the levels, the edit in them, and the newest edit made.
    show(rev) {
      this.props.value = { sigmas: this.levels.sigmas.slice(), rev, seen: this.edited }; // Gradio compares by identity
    }

    // ------------------------------------------------------------------ from Python

    pushed() {
      const { value } = this.props, { rev, seen } = value || {};
      this.stats.pushes++;
      // An answer to an older edit, or to what was asked before the newest one: that stands.
      if (typeof rev === "number" ? rev < this.rev : seen < this.edited) {
        this.stats.stale++;
        this.show(this.rev);
      } else if (this.busy) this.waiting = value;
      else this.adopt(value);
    }

    // A push can be undone like any other change. One that knows of no edit makes all of them old.
    adopt(value) {
      const sigmas = given(value), before = this.levels.sigmas;
      if (sigmas.length < 2 || E.same(sigmas, before)) return;
      this.levels.sigmas = sigmas;
      if (typeof value.rev !== "number") this.rev++;
      if (before.length) this.levels.record(before, value.step);
      this.place();
    }

    // Bars come together with the levels they belong to, in either order.
    costed() {
      setTimeout(() => {
        this.costsFor = this.levels.sigmas.slice();
        this.placeCosts();
      });
    }

    configured() {
      if (!this.configure()) return;
      this.dress();
      if (!this.drag.held) this.frame();
      else this.reframe = true;
    }

    destroy() {
      this.gone = true;
      this.sizes.disconnect();
      this.themes.disconnect();
      clearTimeout(this.keys.pause);
      clearTimeout(this.drag.timer);
      Plotly.purge(this.plot);
      instances.delete(this);
    }
  }

  Object.assign(E, { instances, mount: (context) => new Editor(context) });
})();
