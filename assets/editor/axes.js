// The axes the field thinks in: each maps a positive level to what is drawn, and back. Switching
// between them never changes a level. `times` is the model's own time along ln sigma, ascending.
(function () {
  "use strict";
  const E = window.ScheduleEditor, { text } = E;

  // Piecewise linear; beyond the ends the line goes on, so that every level has a place of its own.
  function interpolate(x, xs, ys) {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle;
      else high = middle;
    }
    const width = xs[high] - xs[low];
    return width ? ys[low] + ((x - xs[low]) / width) * (ys[high] - ys[low]) : ys[low];
  }

  const sigma = {
    label: "σ, log", type: "log", tickformat: "~g",
    to: (level) => level, from: (y) => y, say: () => "",
  };

  const logSnr = {
    label: "log-SNR", type: "linear", reversed: true,
    to: (level) => -2 * Math.log(level), from: (y) => Math.exp(-y / 2),
    say: (level) => `log-SNR ${(-2 * Math.log(level)).toFixed(2)}`,
  };

  function modelTime(times) {
    const rises = times.time.map((t, i) => t < times.time[i + 1] || t > times.time[i - 1]); // flat where a table has ended
    const [lam, time] = [times.lam, times.time].map((values) => values.filter((_, i) => rises[i]));
    const { discrete } = times, to = (level) => interpolate(Math.log(level), lam, time);
    const known = (level) => Math.min(Math.max(to(level), time[0]), time[time.length - 1]); // a model's own time
    return {
      label: discrete ? "timestep" : "model time", type: "linear", to,
      from: (y) => Math.exp(interpolate(y, time, lam)),
      say: (level) => (discrete ? `timestep ${Math.round(known(level))}` : `time ${known(level).toFixed(4)}`),
    };
  }

  function axes(times) {
    const known = { sigma, logSnr };
    if (times && times.lam && times.lam.length > 1) known.time = modelTime(times);
    return known;
  }

  // From the lowest to the highest place of these levels, with some air: Plotly's `range`.
  function span(axis, levels) {
    const places = levels.map((level) => (axis.type === "log" ? Math.log10(level) : axis.to(level)));
    const low = Math.min(...places), high = Math.max(...places), air = 0.06 * (high - low || 1);
    return axis.reversed ? [high + air, low - air] : [low - air, high + air];
  }

  Object.assign(E, { axes, span });
})();
