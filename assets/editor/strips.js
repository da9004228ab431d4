/* Under the curve: where the levels stand along log sigma, and what each interval costs. */
(function () {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";

  function add(parent, tag, attributes) {
    const node = document.createElementNS(NS, tag);
    for (const name in attributes) node.setAttribute(name, attributes[name]);
    parent.appendChild(node);
    return node;
  }

  // A tick for every level and a smooth curve of how densely they stand, from noise to data.
  function density(svg, sigmas, width) {
    svg.textContent = "";
    const lam = sigmas.filter((v) => v > 0).map(Math.log), height = 30, left = 56, right = 12;
    const high = Math.max(...lam), low = Math.min(...lam), span = high - low || 1;
    const x = (v) => left + ((high - v) / span) * (width - left - right);
    const kernel = Math.max(span / 24, (1.2 * span) / lam.length), values = [];
    for (let k = 0; k <= 80; k++) {
      const at = high - (span * k) / 80;
      values.push(lam.reduce((sum, v) => sum + Math.exp(-0.5 * ((v - at) / kernel) ** 2), 0));
    }
    const top = Math.max(...values);
    const points = values.map((v, k) => `${x(high - (span * k) / 80).toFixed(1)},${(height - 8 - (v / top) * (height - 10)).toFixed(1)}`);
    add(svg, "polygon", { class: "se-density", points: `${x(high)},${height - 8} ${points.join(" ")} ${x(low)},${height - 8}` });
    for (const v of lam) add(svg, "line", { class: "se-tick", x1: x(v), x2: x(v), y1: height - 7, y2: height - 1 });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height}px`;
  }

  // One bar an interval, between the steps it lies between.
  function bars(svg, values, xOf, width) {
    svg.textContent = "";
    const height = 40, top = Math.max(...values, 1e-300);
    values.forEach((v, i) => {
      const left = xOf(i) + 1, size = Math.max(1, xOf(i + 1) - xOf(i) - 2), tall = Math.max(1, (v / top) * (height - 2));
      const bar = add(svg, "rect", { class: "se-bar-value", x: left, width: size, y: height - tall, height: tall });
      add(bar, "title", {}).textContent = `step ${i + 1}: ${v.toPrecision(3)}`;
    });
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.height = `${height}px`;
  }

  Object.assign(window.ScheduleEditor, { density, bars, svg: add, NS });
})();
