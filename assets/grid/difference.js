// How two pictures differ, pixel by pixel, and how two clouds do, box by box.
(function () {
  "use strict";
  const G = window.GridView;
  const BOXES = 40; // of a cloud's square, along a side
  // From nothing to most: dark violet, red, orange, pale yellow; lightness rises all the way.
  const RAMP = [[12, 7, 36], [104, 22, 92], [190, 55, 63], [243, 130, 30], [252, 240, 170]];

  function ramp(share) {
    const at = Math.min(0.9999, Math.max(0, share)) * (RAMP.length - 1), i = Math.floor(at);
    return RAMP[i].map((low, c) => Math.round(low + (at - i) * (RAMP[i + 1][c] - low)));
  }

  const far = (a, b, k) => (Math.abs(a.data[k] - b.data[k]) + Math.abs(a.data[k + 1] - b.data[k + 1]) + Math.abs(a.data[k + 2] - b.data[k + 2])) / 3;

  // {values, width, height, most, scale, words}; values are |A - B|, the mean over the colours.
  function ofPictures(a, b) {
    const width = a.width, height = a.height, values = new Float32Array(width * height);
    let most = 0, sum = 0;
    for (let i = 0; i < values.length; i++) {
      values[i] = far(a, b, 4 * i);
      most = Math.max(most, values[i]);
      sum += values[i];
    }
    const words = most ? `|A − B| of a pixel, the mean of its three colours; ${(sum / values.length).toFixed(1)} on average` : "A and B are the same";
    return { values, width, height, most, scale: `${most.toFixed(0)} of 255`, words };
  }

  function boxed(points, extent) {
    const to = window.GridPoints.square(extent), counts = new Float32Array(BOXES * BOXES);
    for (let i = 0; i < points.length; i += 2) {
      const column = Math.floor(to.u(points[i]) * BOXES), row = Math.floor(to.v(points[i + 1]) * BOXES);
      if (column >= 0 && row >= 0 && column < BOXES && row < BOXES) counts[row * BOXES + column] += 1;
    }
    return counts;
  }

  function ofClouds(a, b, extent) {
    const one = boxed(a, extent), other = boxed(b, extent), values = one.map((n, i) => Math.abs(n - other[i]));
    const most = Math.max(...values), moved = values.reduce((sum, v) => sum + v, 0) / 2;
    const share = ((200 * moved) / Math.max(1, a.length)).toFixed(1);
    const words = `|A − B| in ${BOXES} × ${BOXES} boxes; ${share} % of the points would have to move to another box`;
    return { values, width: BOXES, height: BOXES, most, scale: `${most} points`, words: most ? words : "A and B fill the same boxes" };
  }

  function draw(canvas, difference) {
    canvas.width = difference.width;
    canvas.height = difference.height;
    const pen = canvas.getContext("2d"), image = pen.createImageData(canvas.width, canvas.height);
    difference.values.forEach((value, i) => {
      const [red, green, blue] = ramp(difference.most ? value / difference.most : 0);
      image.data.set([red, green, blue, 255], 4 * i);
    });
    pen.putImageData(image, 0, 0);
  }

  const bar = `linear-gradient(to right, ${RAMP.map((c) => `rgb(${c})`).join(", ")})`;
  G.difference = { far, ofPictures, ofClouds, draw, bar };
})();
