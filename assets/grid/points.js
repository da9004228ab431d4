// A cloud drawn anew in every frame of a zoom: single pixels into one buffer, fast enough for 36.
(function () {
  "use strict";
  const OPACITY = 0.75;

  // The square that holds the extent: x and y on one scale, y upwards. u, v: 0 to 1, v downwards.
  function square([x0, x1, y0, y1]) {
    const side = Math.max(x1 - x0, y1 - y0), left = (x0 + x1 - side) / 2, top = (y0 + y1 + side) / 2;
    return {
      side,
      u: (x) => (x - left) / side,
      v: (y) => (top - y) / side,
      x: (u) => left + side * u,
      y: (v) => top - side * v,
    };
  }

  // Where a picture of the extent lies in its square, as CSS says it.
  function inset([x0, x1, y0, y1]) {
    const to = square([x0, x1, y0, y1]), percent = (share) => `${100 * share}%`;
    return { left: percent(to.u(x0)), top: percent(to.v(y1)), width: percent((x1 - x0) / to.side), height: percent((y1 - y0) / to.side) };
  }

  // The cloud at a zoom {scale, x, y}, in a colour "rgb(...)"; points grow slowly with the scale.
  function draw(canvas, points, extent, zoom, color) {
    const ratio = window.devicePixelRatio || 1, width = Math.round(canvas.clientWidth * ratio);
    if (!width) return; // in a hidden tab: drawn when it gets a size
    if (canvas.width !== width) canvas.width = canvas.height = width;
    if (!canvas.pen) canvas.pen = canvas.getContext("2d");
    if (!canvas.buffer || canvas.buffer.width !== width) canvas.buffer = canvas.pen.createImageData(width, width);
    const pixels = new Uint32Array(canvas.buffer.data.buffer), [red, green, blue] = color.match(/[\d.]+/g).map(Number);
    const rgb = (blue << 16) | (green << 8) | red;
    const radius = ratio * Math.min(5, Math.max(0.9, Math.min(2, width / ratio / 220)) * Math.pow(zoom.scale, 0.3)), reach = radius + 1;
    const to = square(extent);
    pixels.fill(0);
    for (let i = 0; i < points.length; i += 2) {
      const x = (zoom.x + zoom.scale * to.u(points[i])) * width, y = (zoom.y + zoom.scale * to.v(points[i + 1])) * width;
      if (!(x > -reach && y > -reach && x < width + reach && y < width + reach)) continue;
      const right = Math.min(width - 1, Math.floor(x + reach)), bottom = Math.min(width - 1, Math.floor(y + reach));
      for (let row = Math.max(0, Math.floor(y - reach)); row <= bottom; row++) {
        for (let column = Math.max(0, Math.floor(x - reach)); column <= right; column++) {
          const across = column + 0.5 - x, down = row + 0.5 - y;
          const cover = radius + 0.5 - Math.sqrt(across * across + down * down); // hypot is slow
          if (cover <= 0) continue;
          const at = row * width + column, under = (pixels[at] >>> 24) / 255;
          const alpha = under + (1 - under) * OPACITY * Math.min(1, cover);
          pixels[at] = (Math.round(255 * alpha) << 24) | rgb;
        }
      }
    }
    canvas.pen.putImageData(canvas.buffer, 0, 0);
  }

  // The point nearest to (x, y): {x, y, far}, or null where there is none.
  function nearest(points, x, y) {
    let best = null;
    for (let i = 0; i < points.length; i += 2) {
      const far = Math.hypot(points[i] - x, points[i + 1] - y);
      if (!best || far < best.far) best = { x: points[i], y: points[i + 1], far };
    }
    return best;
  }

  window.GridPoints = { square, inset, draw, nearest };
})();
