// One zoom for every cell: a scale and an offset in parts of a cell, set once a frame on the root.
(function () {
  "use strict";
  const G = window.GridView;
  const MOST = 32, STEP = 1.25, PAN = 0.1; // PAN: of a cell, by one key
  const CLICK = 4; // a press that moves less than this many px is a click
  const LINE = 16; // px of a wheel that counts lines
  const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

  class Zoom {
    constructor(root, changed) {
      this.root = root;
      this.changed = changed; // called once a frame, after the styles are set
      this.pointers = new Map();
      this.moved = 0;
      this.set(1, 0, 0);
      root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      root.addEventListener("pointerdown", (event) => this.down(event));
      root.addEventListener("pointermove", (event) => this.drag(event));
      for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }

    // x, y: where the picture's upper left corner is, in cells; the picture always covers the cell.
    set(scale, x, y) {
      this.scale = Math.min(MOST, Math.max(1, scale));
      const least = 1 - this.scale;
      this.x = Math.min(0, Math.max(least, x));
      this.y = Math.min(0, Math.max(least, y));
      if (!this.frame) this.frame = requestAnimationFrame(() => this.apply());
    }

    apply() {
      this.frame = 0;
      const style = this.root.style;
      style.setProperty("--zoom", this.scale);
      style.setProperty("--at-x", `${100 * this.x}%`);
      style.setProperty("--at-y", `${100 * this.y}%`);
      this.root.classList.toggle("gv-zoomed", this.scale > 1);
      this.changed();
    }

    // Around a point (u, v) of a cell, 0 to 1.
    by(factor, u = 0.5, v = 0.5) {
      const scale = Math.min(MOST, Math.max(1, this.scale * factor)), grown = scale / this.scale;
      this.set(scale, u - (u - this.x) * grown, v - (v - this.y) * grown);
    }

    pan(dx, dy) {
      this.set(this.scale, this.x + dx, this.y + dy);
    }

    // Where in the picture, 0 to 1, a point of a cell is.
    inside(u, v) {
      return [(u - this.x) / this.scale, (v - this.y) / this.scale];
    }

    // Moves just far enough that a point of the picture is in the cell.
    reveal(u, v) {
      const shift = (at) => Math.min(0, 0.95 - at) + Math.max(0, 0.05 - at);
      this.pan(shift(this.x + this.scale * u), shift(this.y + this.scale * v));
    }

    place(event) {
      const shot = event.target.closest && event.target.closest(".gv-window");
      if (!shot) return null;
      const box = shot.getBoundingClientRect();
      return { box, u: (event.clientX - box.left) / box.width, v: (event.clientY - box.top) / box.height };
    }

    wheel(event) {
      const at = this.place(event);
      if (!at || !(event.ctrlKey || event.metaKey || this.scale > 1)) return; // else the page scrolls
      event.preventDefault();
      const far = event.deltaY * (event.deltaMode === 1 ? LINE : 1);
      this.by(Math.exp(-far / 300), at.u, at.v);
    }

    down(event) {
      const at = this.place(event);
      if (!at || event.button) return;
      this.pointers.set(event.pointerId, event);
      this.moved = this.pointers.size > 1 ? Infinity : 0; // two fingers are no click
      this.box = at.box;
    }

    drag(event) {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      this.pointers.set(event.pointerId, event);
      const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
      this.moved += Math.abs(dx) + Math.abs(dy);
      if (this.root.classList.contains("gv-wiping") || !this.dragging) return;
      if (this.scale > 1) this.root.setPointerCapture(event.pointerId); // or a release outside is missed
      const others = [...this.pointers.values()].filter((each) => each.pointerId !== event.pointerId);
      if (others.length === 1) this.pinch(before, event, others[0]);
      this.pan(dx / this.box.width / this.pointers.size, dy / this.box.height / this.pointers.size);
    }

    pinch(before, now, other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const u = ((before.clientX + other.clientX) / 2 - this.box.left) / this.box.width;
      const v = ((before.clientY + other.clientY) / 2 - this.box.top) / this.box.height;
      this.by(apart(now) / Math.max(1, apart(before)), u, v);
    }

    // Whether the press, which may have just ended, is a drag and no click.
    get dragging() {
      return this.moved > CLICK;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return false;
      const pan = event.shiftKey && ARROWS[event.key];
      if (pan) this.pan(PAN * pan[0], PAN * pan[1]);
      else if (event.key === "+" || event.key === "=") this.by(STEP);
      else if (event.key === "-") this.by(1 / STEP);
      else if (event.key === "0") this.set(1, 0, 0);
      else return false;
      return true;
    }
  }

  G.Zoom = Zoom;
})();
