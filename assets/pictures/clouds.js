// Draws one cloud of points: the true density below, then paths, then points, all on one scale.
(function () {
  "use strict";

  // base64 of little-endian float32, as components/pictures.py packs it
  function floats(text) {
    const bytes = Uint8Array.from(atob(text || ""), (c) => c.charCodeAt(0));
    return new Float32Array(bytes.buffer);
  }

  // Data to canvas: the whole extent fits, x and y on the same scale, y upwards.
  function projection([x0, x1, y0, y1], width, height) {
    const scale = Math.min(width / (x1 - x0), height / (y1 - y0));
    const left = (width - scale * (x1 - x0)) / 2;
    const top = (height - scale * (y1 - y0)) / 2;
    return { x: (v) => left + scale * (v - x0), y: (v) => top + scale * (y1 - v), scale };
  }

  function draw(canvas, { points, paths, length, extent, density, color }) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return; // in a hidden tab: drawn when it gets a size
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const to = projection(extent, width, height);
    if (density) {
      const [x0, x1, y0, y1] = extent;
      pen.drawImage(density, to.x(x0), to.y(y1), to.scale * (x1 - x0), to.scale * (y1 - y0));
    }
    pen.strokeStyle = pen.fillStyle = color;
    if (paths) drawPaths(pen, paths, length, to);
    pen.globalAlpha = paths ? 0.35 : 0.75;
    const radius = Math.max(0.9, Math.min(2, width / 220));
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const x = to.x(points[i]), y = to.y(points[i + 1]);
      pen.moveTo(x + radius, y);
      pen.arc(x, y, radius, 0, 2 * Math.PI);
    }
    pen.fill();
  }

  function drawPaths(pen, paths, length, to) {
    pen.lineWidth = 1;
    pen.lineJoin = "round";
    for (let start = 0; start < paths.length; start += 2 * length) {
      pen.globalAlpha = 0.7;
      pen.beginPath();
      for (let i = start; i < start + 2 * length; i += 2) pen.lineTo(to.x(paths[i]), to.y(paths[i + 1]));
      pen.stroke();
      const end = start + 2 * length - 2;
      pen.globalAlpha = 1;
      pen.beginPath();
      pen.arc(to.x(paths[end]), to.y(paths[end + 1]), 2, 0, 2 * Math.PI);
      pen.fill();
    }
  }

  function outside(points, [x0, x1, y0, y1]) {
    let count = 0;
    for (let i = 0; i < points.length; i += 2) {
      const inside = points[i] >= x0 && points[i] <= x1 && points[i + 1] >= y0 && points[i + 1] <= y1;
      count += !inside;
    }
    return count;
  }

  window.Pictures = { clouds: { floats, draw, outside } };
})();
