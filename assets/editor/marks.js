// The edited curve over Plotly's axes: a line, a handle for each level, the density beside it.
// Drawn here and not by Plotly, so that a moving level costs well under a millisecond.
(function () {
  "use strict";
  const E = window.ScheduleEditor, { svg } = window.Dom;
  const REACH = 16; // px around a handle that take hold of it: 32 px targets
  const STRIP = 34; // px: the widest density
  const CROWDED = 4; // densities beyond this many medians are cut off, or they would flatten the rest

  const at = (value) => value.toFixed(2);

  class Marks {
    constructor(host, helpId) {
      this.helpId = helpId;
      this.below = svg(host, "svg", { class: "se-layer", "aria-hidden": "true" });
      this.rail = svg(this.below, "line", { class: "se-rail" });
      this.guide = svg(this.below, "line", { class: "se-guide" });
      this.drop = svg(this.below, "line", { class: "se-drop" });
      this.curve = svg(this.below, "polyline", { class: "se-curve" });
      this.zero = svg(this.below, "text", { class: "se-zero" });
      this.zero.textContent = "σ = 0";
      this.strip = svg(host, "svg", { class: "se-strip", role: "img" });
      this.density = svg(this.strip, "path", { class: "se-density" });
      this.rug = svg(this.strip, "path", { class: "se-rug" });
      this.caption = svg(this.strip, "text", { class: "se-caption", "text-anchor": "middle" });
      this.caption.textContent = "density";
      svg(this.strip, "title").textContent = "Steps for each e-fold of σ: where the schedule spends its steps";
      this.layer = svg(host, "svg", { class: "se-layer se-handles", role: "group", "aria-label": "Levels", focusable: "false" });
    }

    handle(i) { return this.layer.children[i]; }
    indexOf(node) {
      const handle = node && node.closest && node.closest(".se-handle");
      return handle ? Number(handle.dataset.level) : -1;
    }

    // Everything, after a change of levels, axes or size.
    place(levels, view, selected) {
      this.levels = levels;
      this.view = view;
      const count = levels.sigmas.length, stop = selected >= 0 ? selected : levels.firstFree();
      while (this.layer.childElementCount > count) this.layer.lastElementChild.remove();
      while (this.layer.childElementCount < count) this.add(this.layer.childElementCount);
      this.layer.classList.toggle("se-many", count > 60);
      for (let i = 0; i < count; i++) {
        this.describe(i);
        this.handle(i).classList.toggle("se-selected", i === selected);
        this.handle(i).setAttribute("tabindex", i === stop ? "0" : "-1");
      }
      this.trace();
    }

    // One level, while it moves.
    move(i) {
      this.describe(i);
      this.trace();
      const [least, most] = this.levels.range(i), [x, y] = this.point(i), { left, top, end } = this.view;
      const inside = (py) => Math.min(end, Math.max(top, py));
      this.line(this.rail, x, inside(this.view.y(least)), x, inside(this.view.y(most)));
      this.line(this.guide, left, y, x, y);
    }

    line(node, x1, y1, x2, y2) {
      for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) node.setAttribute(name, at(value));
    }

    // A final 0 has no place on a log axis: it stands on the floor.
    point(i) {
      const sigma = this.levels.sigmas[i];
      return [this.view.x(i), sigma > 0 ? this.view.y(sigma) : this.view.bottom];
    }

    add(i) {
      const handle = svg(this.layer, "g", {
        class: "se-handle", role: "slider", "aria-orientation": "vertical", "aria-describedby": this.helpId,
        "data-level": i, tabindex: "-1",
      });
      svg(handle, "circle", { class: "se-reach", r: REACH });
      svg(handle, "circle", { class: "se-ring", r: 10 });
      svg(handle, "circle", { class: "se-dot" });
    }

    describe(i) {
      const handle = this.handle(i), sigma = this.levels.sigmas[i], locked = this.levels.locked(i);
      const [least, most] = this.levels.range(i), [x, y] = this.point(i), said = sigma > 0 ? this.view.axis.say(sigma) : "";
      handle.setAttribute("transform", `translate(${at(x)},${at(y)})`);
      handle.classList.toggle("se-locked", locked);
      handle.setAttribute("aria-label", `Level ${i} of ${this.levels.steps}`);
      handle.setAttribute("aria-valuemin", least);
      handle.setAttribute("aria-valuemax", most);
      handle.setAttribute("aria-valuenow", sigma);
      handle.setAttribute("aria-valuetext", [`sigma ${E.text(sigma)}`, said, locked && "locked"].filter(Boolean).join(", "));
      handle.setAttribute("aria-disabled", String(locked));
    }

    trace() {
      const { levels, view } = this, last = levels.positive.length - 1;
      this.curve.setAttribute("points", levels.positive.map((_, i) => this.point(i).map(at).join(",")).join(" "));
      const zero = levels.finalZero && last >= 0;
      this.drop.style.display = this.zero.style.display = zero ? "" : "none";
      if (zero) {
        this.line(this.drop, ...this.point(last), ...this.point(last + 1));
        this.zero.setAttribute("x", view.left + 8);
        this.zero.setAttribute("y", view.bottom - 6);
      }
      this.spend();
    }

    // Steps for each e-fold of sigma, exact: one over the width of every interval, as a staircase.
    spend() {
      const { view, levels: { positive } } = this, ys = positive.map((sigma) => view.y(sigma));
      const density = positive.slice(1).map((sigma, i) => 1 / Math.log(positive[i] / sigma));
      const middle = [...density].sort((a, b) => a - b)[density.length >> 1];
      const full = Math.min(Math.max(...density), CROWDED * middle), x = 8;
      const stair = density.map((d, i) => `H${at(x + STRIP * Math.min(1, d / full))}V${at(ys[i + 1])}`);
      this.density.setAttribute("d", density.length ? `M${x},${at(ys[0])}${stair.join("")}H${x}Z` : "");
      this.rug.setAttribute("d", ys.map((y) => `M${x - 6},${at(y)}h4`).join(""));
      this.caption.setAttribute("x", x + STRIP / 2);
      this.caption.setAttribute("y", view.bottom + 16);
      const sigmaAt = (part) => E.text(positive[Math.floor(part * (positive.length - 1))]);
      if (positive.length > 1) this.strip.setAttribute("aria-label",
        `Density of levels along log sigma: a quarter of the steps ends at sigma ${sigmaAt(0.25)}, half at ${sigmaAt(0.5)}, three quarters at ${sigmaAt(0.75)}`);
    }
  }

  // One bar for each interval, under the steps it lies between.
  function bars(node, values, view) {
    node.textContent = "";
    const height = 36, most = Math.max(...values, Number.MIN_VALUE);
    values.forEach((value, i) => {
      const left = view.x(i) + 0.75, width = Math.max(1, view.x(i + 1) - view.x(i) - 1.5), tall = Math.max(1, (value / most) * height);
      const bar = svg(node, "rect", { class: "se-bar", x: at(left), width: at(width), y: at(height - tall), height: at(tall) });
      svg(bar, "title").textContent = `step ${i + 1}: ${E.text(value)}`;
    });
    node.setAttribute("viewBox", `0 0 ${view.width} ${height}`);
    node.style.height = `${height}px`;
  }

  Object.assign(E, { Marks, bars });
})();
