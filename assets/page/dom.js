// How the page code of every component makes its nodes, and draws a schedule's dash.
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  // Plotly's words for a dash, as SVG draws it in a swatch.
  const DASHES = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3", longdash: "11 4", longdashdot: "11 3 2 3" };

  function put(node, parent, attributes) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (parent) parent.append(node);
    return node;
  }

  function make(tag, className, parent, attributes = {}) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    return put(node, parent, attributes);
  }

  const svg = (parent, tag, attributes = {}) => put(document.createElementNS(SVG, tag), parent, attributes);

  // A text where there is one; without one its node is hidden.
  function setText(node, text) {
    text = text || "";
    if (node.textContent !== text) node.textContent = text;
    node.hidden = !text;
  }

  window.Dom = { make, svg, setText, DASHES };
})();
