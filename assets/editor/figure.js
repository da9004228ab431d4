/* What Plotly draws: axes, references, and the curve when nothing moves. */
(function () {
  "use strict";
  // gr.Plot would replace window.Plotly by another version: keep the one that was loaded for us.
  const Plotly = window.Plotly;
  const PLAIN = {
    displaylogo: false, displayModeBar: false, responsive: false, scrollZoom: false, doubleClick: "reset",
    showSendToCloud: false, plotlyServerURL: "", showLink: false, // Plotly 4 offers to upload figures
  };

  const isDark = () => document.body.classList.contains("dark");
  const css = (node, name, otherwise) => getComputedStyle(node).getPropertyValue(name).trim() || otherwise;

  // Okabe-Ito's dark blue is hard to see on a dark page.
  const readable = (color) => (isDark() && color === "#0072B2" ? "#4da3d9" : color);

  function surface(node) {
    const dark = isDark(), ink = css(node, "--body-text-color", dark ? "#eee" : "#222");
    const soft = css(node, "--body-text-color-subdued", "#888");
    const grid = dark ? "rgba(255,255,255,.10)" : "rgba(0,0,0,.08)";
    const axis = { gridcolor: grid, linecolor: grid, tickfont: { color: soft }, title: { font: { color: soft } } };
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: ink, size: 12 },
      hoverlabel: { bgcolor: css(node, "--background-fill-primary", dark ? "#111" : "#fff"), font: { color: ink } },
      xaxis: axis, yaxis: axis,
    };
  }

  function merged(a, b) {
    const out = { ...a };
    for (const [key, value] of Object.entries(b || {})) {
      const both = value && typeof value === "object" && !Array.isArray(value) && out[key] && typeof out[key] === "object";
      out[key] = both ? merged(out[key], value) : value;
    }
    return out;
  }

  function yRange(axis, levels, references) {
    const all = [levels, ...references.map((r) => r.sigmas)].flat().filter((v) => v > 0).map(axis.to);
    let low = Math.min(...all), high = Math.max(...all);
    if (axis.type === "log") [low, high] = [Math.log10(low), Math.log10(high)];
    const air = 0.07 * (high - low || 1);
    return axis.reversed ? [high + 2 * air, low - air] : [low - 2 * air, high + air];
  }

  // `fraction`: the x axis counts 0 ... 1 instead of steps.
  function figure({ node, levels, references, axis, fraction, label, width, height }) {
    const n = levels.length - 1, x = (i, count) => (fraction ? i / count : (i * n) / count);
    const drawn = (sigmas) => sigmas.map((v) => (v > 0 ? axis.to(v) : null));
    const data = references.map((r) => ({
      type: "scatter", mode: "lines", name: r.name,
      x: r.sigmas.map((_, i) => x(i, r.sigmas.length - 1)), y: drawn(r.sigmas),
      line: { dash: r.dash || "dash", width: 1.6, color: readable(r.color || "#888") },
      customdata: r.sigmas.map((v) => [v, r.source || ""]),
      hovertemplate: "%{fullData.name}: σ = %{customdata[0]:.4g}<br>%{customdata[1]}<extra></extra>",
    }));
    data.push({
      type: "scatter", mode: "lines", name: label, x: levels.map((_, i) => x(i, n)), y: drawn(levels),
      line: { width: 2.5, color: css(node, "--color-accent", "#e8590c") }, hoverinfo: "skip",
    });
    const layout = merged(surface(node), {
      width, height, margin: { l: 56, r: 12, t: 8, b: 38 }, dragmode: false, showlegend: false, uirevision: "keep",
      xaxis: {
        title: { text: fraction ? "fraction of steps" : "step", standoff: 6 }, zeroline: false, fixedrange: true,
        range: fraction ? [-0.03, 1.03] : [-0.03 * n - 0.1, 1.03 * n + 0.1], dtick: !fraction && n <= 12 ? 1 : undefined,
      },
      yaxis: {
        title: { text: axis.title, standoff: 6 }, type: axis.type, range: yRange(axis, levels, references),
        zeroline: false, fixedrange: true, exponentformat: "power", dtick: axis.type === "log" ? 1 : undefined,
      },
    });
    return { data, layout, config: PLAIN };
  }

  Object.assign(window.ScheduleEditor, { Plotly, PLAIN, figure, surface, merged, readable, css });
})();
