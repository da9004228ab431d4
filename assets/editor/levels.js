/* The levels being edited: what may move where, and what was before. No DOM, no Plotly. */
(function () {
  "use strict";
  const RATIO = 1.0001; // neighbours differ by at least 0.01 %: closer levels make a step of nothing
  const REMEMBERED = 200; // undo steps

  const round = (v) => Number(v.toPrecision(6));
  const same = (a, b) => a.length === b.length && a.every((v, i) => v === b[i]);
  const text = (v) => {
    if (v === 0) return "0";
    return Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5 ? String(Number(v.toPrecision(4))) : v.toExponential(2);
  };

  class Levels {
    constructor(sigmas, bounds) {
      this.sigmas = sigmas;
      this.bounds = bounds; // () => ({ low, high, lockFirst, lockLast, locked })
      this.past = [];
      this.future = [];
    }

    get steps() { return this.sigmas.length - 1; }

    locked(i) {
      const { lockFirst, lockLast, locked } = this.bounds();
      return locked || (i === 0 && lockFirst) || (i === this.steps && (lockLast || this.sigmas[i] === 0));
    }

    firstFree() {
      const i = this.sigmas.findIndex((_, k) => !this.locked(k));
      return Math.max(0, i);
    }

    // The values level i may take: strictly between its neighbours, within what the model knows.
    // A level that already lies outside the model's range may stay where it is.
    range(i) {
      const { low, high } = this.bounds(), now = this.sigmas[i];
      const above = i > 0 ? this.sigmas[i - 1] / RATIO : Math.max(high, now);
      const next = i < this.steps ? this.sigmas[i + 1] : 0;
      return [next > 0 ? next * RATIO : Math.min(low, now), above];
    }

    // Why a value cannot stand at level i, in words; "" when it can.
    refusal(i, v) {
      if (!Number.isFinite(v)) return "not a number";
      if (v <= 0) return "must be above 0";
      const [low, high] = this.range(i);
      if (v > high) return i > 0 ? `must stay below level ${i - 1} (${text(this.sigmas[i - 1])})` : `at most ${text(high)}, the model's largest`;
      if (v < low) return i < this.steps && this.sigmas[i + 1] > 0 ? `must stay above level ${i + 1} (${text(this.sigmas[i + 1])})` : `at least ${text(low)}`;
      return "";
    }

    // Moves level i towards v as far as its neighbours allow; says whether it moved.
    set(i, v) {
      const [low, high] = this.range(i);
      const held = Math.min(high, Math.max(low, v));
      const rounded = round(held);
      const next = rounded >= low && rounded <= high ? rounded : held; // rounding must not cross
      if (!Number.isFinite(next) || next === this.sigmas[i]) return false;
      this.sigmas[i] = next;
      return true;
    }

    // A new level between i and i + 1, at their geometric mean; its index, or -1 without room.
    insert(i) {
      const k = Math.min(Math.max(i, 0), this.steps - 1);
      const above = this.sigmas[k];
      const below = this.sigmas[k + 1] > 0 ? this.sigmas[k + 1] : above / 4;
      const v = round(Math.sqrt(above * below));
      if (!(v < above / RATIO && v > this.sigmas[k + 1] * RATIO)) return -1;
      this.sigmas.splice(k + 1, 0, v);
      return k + 1;
    }

    remove(i) { this.sigmas.splice(i, 1); }

    // History: `before` is what stood there before the change that has just been made.
    record(before) {
      if (same(before, this.sigmas)) return false;
      this.past.push(before);
      if (this.past.length > REMEMBERED) this.past.shift();
      this.future = [];
      return true;
    }

    travel(from, to) {
      if (!from.length) return false;
      to.push(this.sigmas);
      this.sigmas = from.pop();
      return true;
    }
    undo() { return this.travel(this.past, this.future); }
    redo() { return this.travel(this.future, this.past); }
  }

  window.ScheduleEditor = { Levels, same, text };
})();
