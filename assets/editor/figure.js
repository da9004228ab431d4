// What Plotly draws: axes, grid and the reference curves. The edited curve stands in marks.js.
(function () {
  "use strict";
  const { template, readable } = window.PlotlyTheme;
  const E = window.ScheduleEditor;
  const DASHES = ["dash", "dot", "dashdot", "longdash", "longdashdot"];
  const REACH = 7; // px around a reference curve that say what it is
  const FLOOR = 26; // px from the end of the scale down to 0
  const OKABE_ITO = ["#56B4E9", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#D55E00"];

  // References with everything said: callers give colours, otherwise Okabe and Ito do.
  function references(given) {
    return (given || []).map((curve, k) => ({
      name: curve.name, sigmas: curve.sigmas, source: curve.source || "",
      color: curve.color || OKABE_ITO[k % OKABE_ITO.length], dash: curve.dash || DASHES[k % DASHES.length],
    }));
  }

  // A curve of another length is drawn over the same steps.
  function trace({ sigmas, color, dash }, { axis, steps, fraction }) {
    const n = sigmas.length - 1, width = fraction ? 1 : steps;
    return {
      type: "scatter", mode: "lines", hoverinfo: "skip",
      x: sigmas.map((_, i) => (i * width) / n),
      y: sigmas.map((level) => (level > 0 ? axis.to(level) : null)),
      line: { dash, width: 1.75, color: readable(color) },
    };
  }

  // The line within reach of a point, and where on it: Plotly itself answers at its corners only.
  function nearest(lines, x, y) {
    let found = null, least = REACH;
    lines.forEach((points, line) => points.slice(1).forEach(([x2, y2], i) => {
      const [x1, y1] = points[i], dx = x2 - x1, dy = y2 - y1;
      const part = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
      const far = Math.hypot(x - x1 - part * dx, y - y1 - part * dy);
      if (far < least) { least = far; found = { line, y: y1 + part * dy }; }
    }));
    return found;
  }

  // With a final 0 the scale ends above the floor: a log axis has no place for 0.
  function figure({ node, curves, axis, steps, fraction, range, floor, width, height, right }) {
    const end = fraction ? 1 : steps, air = Math.max(0.03 * end, fraction ? 0.02 : 0.12);
    const decades = axis.type === "log" ? Math.abs(range[1] - range[0]) : 9;
    const margin = { l: 46, r: right, t: 8, b: 26 }, bottom = floor ? FLOOR / (height - margin.t - margin.b) : 0;
    const layout = {
      template: template(node), width, height, margin, showlegend: false, hovermode: false,
      xaxis: { range: [-air, end + air], anchor: "free", position: 0, automargin: false, showgrid: false, showline: true, tickformat: "~g", ticklabelstandoff: 4, dtick: !fraction && steps <= 10 ? 1 : undefined },
      yaxis: { range, domain: [bottom, 1], type: axis.type, automargin: false, tickformat: axis.tickformat, dtick: decades > 2 && decades < 9 ? 1 : undefined },
    };
    return { data: curves.map((curve) => trace(curve, { axis, steps, fraction })), layout };
  }

  Object.assign(E, { figure, references, nearest });
})();
