// What was answered, kept in this browser only: a count a pair, and how sure it is.
(function () {
  "use strict";
  const KEY = "ays-studio-blind", VERSION = 1, Z = 1.959964; // of a 95 % interval
  const ANSWERS = ["a", "b", "tie", "bad"];

  let unsaved = null; // answers that the browser did not keep: they count until a reload

  function read() {
    if (unsaved) return unsaved;
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      if (kept && kept.version === VERSION && Array.isArray(kept.answers)) {
        kept.answers = kept.answers.filter((one) => one && ANSWERS.includes(one.answer) && [one.a, one.b].every((name) => typeof name === "string"));
        return kept;
      }
    } catch { /* not ours, or none */ }
    return { version: VERSION, answers: [] };
  }

  function keep(kept) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      unsaved = null;
    } catch { // full or forbidden
      unsaved = kept;
    }
  }

  // What was judged: a pair, in either order, on one noise under the same settings.
  const keyOf = ({ a, b, settings, seed }) => JSON.stringify([settings || "", ...[a, b].sort(), seed]);

  // An answer on what was judged before takes the place of the former one.
  function add(answer) {
    const kept = read(), key = keyOf(answer);
    kept.answers = kept.answers.filter((one) => one.seed === undefined || keyOf(one) !== key);
    kept.answers.push(answer);
    keep(kept);
  }

  // Wilson 1927: the interval of a share, wins of n, at 95 %; sane for few rounds, too.
  function wilson(wins, n) {
    if (!n) return [0, 1];
    const share = wins / n, z2 = (Z * Z) / n;
    const middle = (share + z2 / 2) / (1 + z2);
    const half = (Z / (1 + z2)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  // [{a, b, settings, wins, losses, ties, bad, low, high}]: a pair under one model, condition and so
  // on; what was judged under another is another question.
  function tally(answers) {
    const found = new Map();
    for (const one of answers) {
      const flipped = one.a > one.b, a = flipped ? one.b : one.a, b = flipped ? one.a : one.b;
      const settings = String(one.settings || ""), key = JSON.stringify([settings, a, b]);
      if (!found.has(key)) found.set(key, { a, b, settings, wins: 0, losses: 0, ties: 0, bad: 0 });
      const pair = found.get(key);
      if (one.answer === "tie") pair.ties++;
      else if (one.answer === "bad") pair.bad++;
      else if ((one.answer === "a") !== flipped) pair.wins++;
      else pair.losses++;
    }
    for (const pair of found.values()) [pair.low, pair.high] = wilson(pair.wins, pair.wins + pair.losses);
    return [...found.values()];
  }

  function clear() {
    keep({ version: VERSION, answers: [] });
  }

  window.BlindView = { KEY, VERSION, read, keep, add, wilson, tally, clear };
})();
