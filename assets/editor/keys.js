// Everything by keyboard. Levels are one tab stop: left and right move between them, up and down
// move them. A burst of keys is one undo step and one event.
(function () {
  "use strict";
  const E = window.ScheduleEditor;
  const PAUSE = 350; // ms that end a burst
  const STEP = 1.01, FINE = 1.001, COARSE = 1.1;

  class Keys {
    constructor(editor) {
      this.editor = editor;
      this.burst = null;
      editor.root.addEventListener("keydown", (event) => this.press(event));
    }

    press(event) {
      const { editor } = this, letter = event.key.toLowerCase();
      const command = event.ctrlKey || event.metaKey, i = editor.marks.indexOf(event.target);
      if (command && !event.altKey && (letter === "z" || letter === "y")) {
        event.preventDefault();
        if (editor.drag.held) return;
        return letter === "y" || event.shiftKey ? editor.redo() : editor.undo();
      }
      if (event.key === "Escape") return this.cancel();
      if (i < 0 || command || event.altKey || editor.drag.held) return;
      const act = this.acts(i, event.shiftKey ? FINE : STEP)[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    }

    acts(i, factor) {
      const { editor } = this, last = editor.levels.steps;
      const go = (k) => () => { this.flush(); editor.focus(Math.max(0, Math.min(k, last))); };
      const nudge = (by) => () => this.nudge(i, by), insert = () => editor.insert(i), remove = () => editor.remove(i);
      return {
        ArrowLeft: go(i - 1), ArrowRight: go(i + 1), Home: go(0), End: go(last),
        ArrowUp: nudge(factor), ArrowDown: nudge(1 / factor), PageUp: nudge(COARSE), PageDown: nudge(1 / COARSE),
        Insert: insert, "+": insert, Delete: remove, Backspace: remove, Enter: () => editor.type(i),
      };
    }

    nudge(i, factor) {
      const { editor } = this, { levels } = editor;
      if (levels.locked(i)) return editor.say(`Level ${i} is locked`);
      this.burst = this.burst || { before: levels.sigmas.slice(), i };
      const moved = levels.set(i, levels.sigmas[i] * factor);
      editor.say(moved ? "" : `At its limit: ${levels.limit(i, factor > 1)}`);
      editor.root.classList.add("se-moving");
      editor.marks.move(i);
      editor.showTip(i);
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.flush(), PAUSE);
    }

    // The end of a burst.
    flush() {
      clearTimeout(this.pause);
      const { burst, editor } = this;
      if (!burst) return;
      this.burst = null;
      editor.root.classList.remove("se-moving");
      editor.settle(burst.before, "key", burst.i);
    }

    cancel() {
      if (this.editor.drag.held) return this.editor.drag.cancel();
      if (this.burst) this.editor.levels.sigmas = this.burst.before;
      this.flush();
    }
  }

  Object.assign(E, { Keys });
})();
