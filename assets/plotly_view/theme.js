// The page's one plotly.js, dressed in the page's colours. The editor and all figures use it.
(function () {
  "use strict";
  const Plotly = window.Plotly; // kept: gr.Plot would replace window.Plotly by another version

  const CONFIG = {
    displaylogo: false, displayModeBar: false, responsive: false, scrollZoom: false, doubleClick: false,
    showSendToCloud: false, plotlyServerURL: "", showLink: false, // Plotly 4 offers to upload figures
  };

  const isDark = () => document.body.classList.contains("dark");
  const variable = (node, name) => getComputedStyle(node).getPropertyValue(name).trim();

  // Defaults of every figure: what the figure itself says wins.
  function template(node) {
    const ink = variable(node, "--body-text-color") || "#222";
    const soft = variable(node, "--body-text-color-subdued") || "#666";
    const surface = variable(node, "--background-fill-primary") || "#fff";
    const grid = isDark() ? "rgba(255,255,255,.09)" : "rgba(0,0,0,.08)";
    const line = isDark() ? "rgba(255,255,255,.22)" : "rgba(0,0,0,.20)";
    const axis = {
      gridcolor: grid, zerolinecolor: grid, linecolor: line, zeroline: false, fixedrange: true, automargin: true,
      tickfont: { color: soft, size: 11 }, title: { font: { color: soft, size: 12 }, standoff: 6 },
    };
    const family = variable(node, "--font") || "sans-serif";
    return {
      layout: {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family, color: ink, size: 12 },
        hoverlabel: { bgcolor: surface, bordercolor: line, font: { family, color: ink, size: 12 }, align: "left" },
        legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { size: 12 } },
        colorway: ["#E8590C", "#56B4E9", "#009E73", "#CC79A7", "#E69F00", "#0072B2"].map(readable),
        margin: { l: 48, r: 12, t: 12, b: 36 }, dragmode: false, xaxis: axis, yaxis: axis,
      },
    };
  }

  // Okabe-Ito colours are made for paper: on a dark page they are mixed with white, as everywhere
  // on this page. The browser does the mixing.
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mixed = new Map();
  function readable(color) {
    if (!isDark() || !CSS.supports("color", color)) return color;
    if (!mixed.has(color)) {
      pen.fillStyle = `color-mix(in oklab, ${color} 78%, white)`;
      pen.fillRect(0, 0, 1, 1);
      mixed.set(color, `rgb(${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3)})`);
    }
    return mixed.get(color);
  }

  window.PlotlyTheme = { Plotly, CONFIG, template, readable };
})();
