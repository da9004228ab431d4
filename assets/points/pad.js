// A plane to draw points in. Mounted from components/point_pad.py.
(function () {
  "use strict";
  const { svg } = window.Dom;
  const instances = new Set();
  // A double click is found out here: the browser counts none, as points are drawn anew in between.
  const round = (v) => Math.round(v * 1000) / 1000;

  class Pad {
    constructor({ element, props, trigger, watch }) {
      Object.assign(this, { element, props, trigger, past: [], future: [], points: [], std: 0.05 });
      this.root = element.querySelector(".pad-root");
      this.root.innerHTML =
        '<svg class="pad-plane" role="application" aria-label="Plane of points: click adds one, drag moves it, double click or Delete removes it"></svg>' +
        '<div class="pad-bar"><button type="button" data-do="undo">Undo</button>' +
        '<button type="button" data-do="clear">Clear</button><span class="pad-count" role="status"></span>' +
        '<label>Spread <input type="range" min="0" max="100" aria-label="Spread of every point"> <output></output></label></div>';
      this.svg = this.root.querySelector("svg");
      this.slider = this.root.querySelector("input");
      const e = props.extent;
      this.svg.setAttribute("viewBox", `${-e} ${-e} ${2 * e} ${2 * e}`);
      this.svg.addEventListener("pointerdown", (event) => this.down(event));
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      for (const end of ["pointerup", "pointercancel"]) this.svg.addEventListener(end, () => this.up());
      this.svg.addEventListener("keydown", (event) => this.key(event));
      this.root.addEventListener("click", (event) => this[event.target.dataset?.do]?.());
      this.slider.addEventListener("input", () => { this.std = this.spread(); this.draw(); });
      this.slider.addEventListener("change", () => this.send());
      watch(["value"], () => this.take(this.props.value));
      this.take(props.value);
      this.past = [];
      instances.add(this);
    }

    // The slider is logarithmic.
    spread() {
      const { min_std: low, max_std: high } = this.props;
      return round(low * (high / low) ** (this.slider.value / 100));
    }

    take(value) {
      const said = JSON.stringify(value);
      if (!value || said === this.said) return;
      this.said = said;
      this.keep();
      this.points = value.points.map((p) => [...p]);
      this.std = value.std;
      const { min_std: low, max_std: high } = this.props;
      this.slider.value = (100 * Math.log(this.std / low)) / Math.log(high / low);
      this.draw();
    }

    keep() { this.past = [...this.past.slice(-99), this.points.map((p) => [...p])]; }

    send() {
      this.props.value = { points: this.points, std: this.std };
      this.said = JSON.stringify(this.props.value);
      this.trigger("release");
      this.draw();
    }

    at(event) {
      const box = this.svg.getBoundingClientRect(), e = this.props.extent;
      const clip = (v) => round(Math.min(e, Math.max(-e, v)));
      return [clip(((event.clientX - box.left) / box.width) * 2 * e - e), clip(e - ((event.clientY - box.top) / box.height) * 2 * e)];
    }

    down(event) {
      if (event.button) return;
      event.preventDefault();
      const hit = event.target.dataset.i;
      const before = this.pressed;
      this.pressed = { hit, when: event.timeStamp };
      if (hit !== undefined && hit === before?.hit && event.timeStamp - before.when < 400) return this.remove(hit);
      if (hit === undefined && this.points.length >= this.props.max_points) return;
      this.keep();
      this.dragged = hit === undefined ? this.points.push(this.at(event)) - 1 : Number(hit);
      this.changed = hit === undefined;
      this.svg.setPointerCapture(event.pointerId);
      this.draw();
      this.svg.querySelector(`[data-i="${this.dragged}"]`).focus({ preventScroll: true });
    }

    move(event) {
      if (this.dragged === undefined) return;
      this.points[this.dragged] = this.at(event);
      this.changed = true;
      this.place(this.dragged);
    }

    up() {
      if (this.dragged === undefined) return;
      this.dragged = undefined;
      if (this.changed) this.send();
      else this.past.pop();
    }

    remove(i) {
      if (i === undefined) return;
      this.keep();
      this.points.splice(Number(i), 1);
      this.send();
      this.svg.querySelector(`[data-i="${Math.min(i, this.points.length - 1)}"]`)?.focus();
    }

    undo() {
      if (!this.past.length) return;
      this.points = this.past.pop();
      this.send();
    }

    clear() {
      if (!this.points.length) return;
      this.keep();
      this.points = [];
      this.send();
    }

    key(event) {
      const i = event.target.dataset.i;
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [];
      if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo();
      else if (i === undefined) return;
      else if (event.key === "Delete" || event.key === "Backspace") this.remove(i);
      else if (dx === undefined) return;
      else {
        this.keep();
        const step = event.shiftKey ? 0.2 : 0.02, e = this.props.extent;
        this.points[i] = [[0, dx], [1, dy]].map(([k, d]) => round(Math.min(e, Math.max(-e, this.points[i][k] + d * step))));
        this.send();
      }
      event.preventDefault();
    }

    place(i) {
      const [x, y] = this.points[i];
      for (const node of this.svg.querySelectorAll(`[data-of="${i}"], [data-i="${i}"]`)) {
        node.setAttribute("cx", x);
        node.setAttribute("cy", -y);
      }
      this.svg.querySelector(`[data-i="${i}"]`).setAttribute("aria-label", `Point ${i + 1} at ${x}, ${y}`);
    }

    draw() {
      const focused = document.activeElement?.closest?.(".pad-plane") === this.svg ? document.activeElement.dataset.i : undefined;
      const e = this.props.extent, nodes = [];
      const add = (name, values) => nodes.push(svg(null, name, values));
      for (let v = -e; v <= e; v++) {
        add("path", { class: v ? "pad-grid" : "pad-axis", d: `M${v},${-e}V${e}M${-e},${v}H${e}` });
      }
      const n = this.points.length;
      for (const times of [2, 1]) for (let i = 0; i < n; i++) add("circle", { class: "pad-cloud", r: times * this.std, "data-of": i });
      for (let i = 0; i < n; i++) add("circle", { class: "pad-point", r: 0.035, "data-i": i, tabindex: 0, role: "button" });
      this.svg.replaceChildren(...nodes);
      this.points.forEach((_, i) => this.place(i));
      if (focused !== undefined) this.svg.querySelector(`[data-i="${focused}"]`)?.focus({ preventScroll: true });
      this.root.querySelector(".pad-count").textContent = `${n} of at most ${this.props.max_points} points`;
      this.root.querySelector("output").textContent = this.std.toFixed(3);
      this.root.querySelector("[data-do=undo]").disabled = !this.past.length;
      this.root.querySelector("[data-do=clear]").disabled = !n;
    }
  }

  window.PointPad = { mount: (context) => new Pad(context), instances };
})();
