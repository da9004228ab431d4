// The levels being edited: what may stand where, and what stood before. No DOM, no Plotly.
(function () {
  "use strict";
  const RATIO = 1.0001; // neighbours differ by at least 0.01 %: a smaller step does nothing
  const SLACK = 1.001; // published tables print the largest level to four digits
  const REMEMBERED = 200; // undo steps
  const OPENING = "opening"; // the step of what a page begins with

  const rounded = (sigma) => Number(sigma.toPrecision(6));
  const same = (a, b) => a.length === b.length && a.every((sigma, i) => sigma === b[i]);

  // Four digits: enough to tell two levels apart, short enough for a tip.
  function text(value) {
    const size = Math.abs(value);
    return size === 0 || (size >= 1e-3 && size < 1e5) ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  }

  // What was typed as a number, with a decimal comma if it has one; NaN for anything else.
  const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
  const number = (typed) => { const word = typed.trim().replace(",", "."); return NUMBER.test(word) ? Number(word) : NaN; };

  class Levels {
    constructor(sigmas) {
      this.sigmas = sigmas;
      this.low = 0; // what the model knows
      this.high = Infinity;
      this.locks = { first: true, last: true };
      this.frozen = false;
      this.past = [];
      this.future = [];
    }

    get steps() { return this.sigmas.length - 1; }
    get finalZero() { return this.sigmas[this.steps] === 0; }
    get positive() { return this.finalZero ? this.sigmas.slice(0, -1) : this.sigmas; }

    locked(i) {
      if (this.frozen) return true;
      if (i === this.steps) return this.locks.last || this.finalZero;
      return i === 0 && this.locks.first;
    }

    firstFree() { return Math.max(0, this.sigmas.findIndex((_, i) => !this.locked(i))); }

    // [least, most] of level i: strictly between its neighbours, within what the model knows.
    // A level that lies outside already may stay there.
    range(i) {
      const now = this.sigmas[i], next = i < this.steps ? this.sigmas[i + 1] : 0;
      const least = next > 0 ? next * RATIO : Math.min(this.low, now);
      const most = i > 0 ? this.sigmas[i - 1] / RATIO : Math.max(this.high, now);
      return [Math.min(least, now), Math.max(most, now)];
    }

    // Why the number that `typed` says cannot stand at level i, in words; "" when it can.
    refusal(i, typed) {
      const sigma = number(typed), [least, most] = this.range(i), between = `a number from ${text(least)} to ${text(most)}`;
      if (!typed.trim()) return `Type ${between}`;
      if (!Number.isFinite(sigma)) return `${JSON.stringify(typed.slice(0, 20))} is no number: type ${between}`;
      if (sigma > most) return `${text(sigma)} is too high: ${this.limit(i, true)}`;
      if (sigma < least) return `${text(sigma)} is too low: ${this.limit(i, false)}`;
      return "";
    }

    // What keeps level i from going further up or down, in words.
    limit(i, up) {
      const next = up ? i - 1 : i + 1, [least, most] = this.range(i);
      if (this.sigmas[next] > 0) return `it must stay ${up ? "below" : "above"} level ${next} (${text(this.sigmas[next])})`;
      return up ? `at most ${text(most)}, the model's largest` : `at least ${text(least)}, the model's smallest`;
    }

    // Moves level i to `sigma`, or as near as its neighbours allow; says whether it moved.
    set(i, sigma) {
      const [least, most] = this.range(i), held = Math.min(most, Math.max(least, sigma));
      const short = rounded(held), next = short >= least && short <= most ? short : held;
      if (!Number.isFinite(next) || next === this.sigmas[i]) return false;
      this.sigmas[i] = next;
      return true;
    }

    // Exactly `sigma`, which is known to fit.
    put(i, sigma) {
      const moved = sigma !== this.sigmas[i];
      this.sigmas[i] = sigma;
      return moved;
    }

    // A new level below level i, at the geometric mean, or at half of the last one above a final 0;
    // its index, or -1 where there is no room.
    insert(i) {
      const k = Math.max(0, Math.min(i, this.steps - 1)), above = this.sigmas[k], below = this.sigmas[k + 1];
      const sigma = rounded(below > 0 ? Math.sqrt(above * below) : Math.max(above / 2, this.low));
      if (!(sigma < above / RATIO && sigma > below * RATIO)) return -1;
      this.sigmas.splice(k + 1, 0, sigma);
      return k + 1;
    }

    remove(i) { this.sigmas.splice(i, 1); }

    // Remembers what stood there before the change that has just been made. Changes that carry the
    // name of one step in a row, as the pictures of a search do, are one undo step.
    record(before, step = "") {
      if (same(before, this.sigmas)) return false;
      if (step === OPENING) this.past = [];
      else if (!step || step !== this.step) this.past.push(before);
      this.step = step;
      if (this.past.length > REMEMBERED) this.past.shift();
      this.future = [];
      return true;
    }

    undo() { return this.travel(this.past, this.future); }
    redo() { return this.travel(this.future, this.past); }

    // What stood there before another model was chosen may be none for this one: passed over.
    travel(from, to) {
      while (from.length && from[from.length - 1][0] > this.high * SLACK) from.pop();
      if (!from.length) return false;
      to.push(this.sigmas);
      this.sigmas = from.pop();
      this.step = "";
      return true;
    }
  }

  window.ScheduleEditor = { Levels, same, text, number, rounded };
})();
