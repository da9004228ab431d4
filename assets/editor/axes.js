/* The axes the field thinks in. Each maps a positive level to what is drawn, and back; switching
 * between them never changes a level. `times` is the model's own table: ln sigma (ascending) and
 * the model time of each entry. */
(function () {
  "use strict";

  function interpolate(x, xs, ys) {
    if (x <= xs[0]) return ys[0];
    if (x >= xs[xs.length - 1]) return ys[ys.length - 1];
    let low = 0, high = xs.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle; else high = middle;
    }
    const part = (x - xs[low]) / (xs[high] - xs[low] || 1);
    return ys[low] + part * (ys[high] - ys[low]);
  }

  const text = window.ScheduleEditor.text;

  function axes(times) {
    const found = {
      sigma: {
        label: "σ, log", title: "noise level σ", type: "log",
        to: (sigma) => sigma, from: (y) => y, say: (sigma) => `σ = ${text(sigma)}`,
      },
      logsnr: {
        label: "log-SNR", title: "log-SNR, −2 ln σ", type: "linear", reversed: true,
        to: (sigma) => -2 * Math.log(sigma), from: (y) => Math.exp(-y / 2),
        say: (sigma) => `log-SNR = ${(-2 * Math.log(sigma)).toFixed(2)}, σ = ${text(sigma)}`,
      },
    };
    if (times && times.time && times.time.length > 1) {
      const to = (sigma) => interpolate(Math.log(sigma), times.lam, times.time);
      const digits = times.discrete ? 1 : 4;
      found.time = {
        label: times.discrete ? "timestep" : "model time", type: "linear",
        title: times.discrete ? "timestep of the model" : "model time",
        to, from: (y) => Math.exp(interpolate(y, times.time, times.lam)),
        say: (sigma) => `t = ${to(sigma).toFixed(digits)}, σ = ${text(sigma)}`,
      };
    }
    return found;
  }

  Object.assign(window.ScheduleEditor, { axes });
})();
