// One picture or cloud that follows the shared zoom: in a cell of the grid, or a layer of the close look.
(function () {
  "use strict";
  const P = window.GridPoints, { make } = window.Dom;

  // The pixels of a picture, read once: {data, width, height}, or null until they are there; then
  // `then` is called.
  const pixels = new Map();
  function pixelsOf(url, then) {
    if (!pixels.has(url)) {
      pixels.set(url, null);
      const image = new Image();
      image.onload = () => {
        const canvas = make("canvas");
        canvas.width = image.naturalWidth;
        canvas.height = image.naturalHeight;
        const pen = canvas.getContext("2d", { willReadFrequently: true });
        pen.drawImage(image, 0, 0);
        pixels.set(url, pen.getImageData(0, 0, canvas.width, canvas.height));
        if (pixels.size > 200) pixels.delete(pixels.keys().next().value);
        then();
      };
      image.src = url;
    }
    return pixels.get(url);
  }

  // What is shown: an <img> that CSS enlarges, or a cloud drawn anew while the zoom moves, over an
  // <img> of the true density. `field`: {extent, density} for clouds.
  class Shot {
    constructor(parent) {
      this.box = make("span", "gv-shot", parent);
      this.canvas = this.points = null;
    }

    show(cell, field) {
      const source = cell && (cell.picture ? cell.picture.url : cell.cloud && cell.cloud.points);
      const behind = field && `${field.density} ${field.extent}`;
      if (source === this.source && behind === this.behind) return;
      this.source = source;
      this.behind = behind;
      this.field = field;
      this.box.textContent = "";
      this.canvas = this.points = null;
      if (!source) return;
      if (cell.picture) {
        make("img", "gv-inner", this.box, { src: source, alt: "", draggable: "false" });
        return;
      }
      const plane = make("span", "gv-inner", this.box);
      if (field.density) Object.assign(make("img", "gv-density", plane, { src: field.density, alt: "", draggable: "false" }).style, P.inset(field.extent));
      this.canvas = make("canvas", "gv-cloud", this.box);
      this.points = window.Pictures.clouds.floats(source);
    }

    // Clouds only: at the present zoom.
    paint(zoom) {
      if (this.canvas) P.draw(this.canvas, this.points, this.field.extent, zoom, getComputedStyle(this.box).color);
    }
  }

  window.GridView = { pixelsOf, Shot };
})();
