// A level in a hand: mouse, pen or finger. Nothing goes to Python on the way, unless `live_ms`
// asks for it; Escape takes the move back.
(function () {
  "use strict";
  const E = window.ScheduleEditor;
  const STIR = 3; // px the pointer moves before a level does: a click changes nothing
  const FINE = 0.1; // of the pointer's way, with Shift

  class Drag {
    constructor(editor) {
      this.editor = editor;
      this.held = null;
      const { layer } = editor.marks;
      layer.addEventListener("pointerdown", (event) => this.grab(event));
      layer.addEventListener("pointermove", (event) => this.move(event));
      layer.addEventListener("pointerup", (event) => this.end(event));
      layer.addEventListener("lostpointercapture", (event) => this.end(event));
      layer.addEventListener("pointercancel", (event) => this.end(event, true));
    }

    // Where handles overlap, the nearest one; a locked one only if it is clearly meant.
    nearest(event) {
      const { host, levels, marks } = this.editor, box = host.getBoundingClientRect();
      const far = levels.sigmas.map((_, i) => {
        const [x, y] = marks.point(i);
        return Math.hypot(x + box.left - event.clientX, y + box.top - event.clientY) + 6 * levels.locked(i);
      });
      return far.indexOf(Math.min(...far));
    }

    grab(event) {
      const { editor } = this, { levels, marks } = editor;
      if (event.button !== 0 || !event.isPrimary || this.held || marks.indexOf(event.target) < 0) return;
      event.preventDefault();
      editor.keys.flush();
      const i = this.nearest(event), [, y] = marks.point(i);
      editor.focus(i);
      if (levels.locked(i)) return editor.say(`Level ${i} is locked`);
      editor.say("");
      this.held = { i, pointer: event.pointerId, before: levels.sigmas.slice(), from: y, y, pageY: event.pageY, way: 0 };
      try { marks.layer.setPointerCapture(event.pointerId); } catch { /* made by a script: nothing to capture */ }
    }

    move(event) {
      const { editor, held } = this;
      if (!held || event.pointerId !== held.pointer) return;
      const way = event.pageY - held.pageY;
      held.pageY = event.pageY;
      held.way += way;
      held.y += way * (event.shiftKey ? FINE : 1);
      if (!held.stirred && Math.abs(held.way) < STIR) return;
      held.stirred = true;
      const { levels, marks, view } = editor, back = Math.abs(held.y - held.from) < 0.5; // where it came from
      if (back ? levels.put(held.i, held.before[held.i]) : levels.set(held.i, view.sigma(held.y))) this.live();
      editor.root.classList.add("se-moving");
      marks.move(held.i);
      editor.showTip(held.i);
    }

    end(event, cancelled = false) {
      const { editor, held } = this;
      if (!held || event.pointerId !== held.pointer) return;
      this.held = null;
      clearTimeout(this.timer);
      editor.root.classList.remove("se-moving");
      if (cancelled) editor.levels.sigmas = held.before;
      if (cancelled && held.sent) editor.send("input"); // what Python saw on the way is taken back
      editor.settle(held.before, "drag", held.i);
    }

    cancel() { this.end({ pointerId: this.held.pointer }, true); }

    // Throttled, and always with the last position.
    live() {
      const { editor, held } = this, every = Number(editor.props.live_ms) || 0;
      if (!every || held.due) return;
      held.due = true;
      this.timer = setTimeout(() => {
        held.due = false;
        held.sent = true;
        this.last = performance.now();
        editor.send("input");
      }, Math.max(0, every - (performance.now() - (this.last || -Infinity))));
    }
  }

  Object.assign(E, { Drag });
})();
