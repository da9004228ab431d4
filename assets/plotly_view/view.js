// Read-only figures, patched in place. Mounted from components/plotly_view.py.
(function () {
  "use strict";
  const { Plotly, CONFIG, template, readable } = window.PlotlyTheme;
  const instances = new Set();

  // A trace's own colours, made readable on the page's theme.
  function dressed(trace) {
    const copy = { ...trace };
    for (const part of ["line", "marker"]) {
      if (copy[part] && typeof copy[part].color === "string") copy[part] = { ...copy[part], color: readable(copy[part].color) };
    }
    return copy;
  }

  class View {
    constructor({ element, props, watch }) {
      Object.assign(this, { element, props, newPlots: 0 });
      this.root = element.querySelector(".pv-root");
      this.root.textContent = "";
      this.plot = document.createElement("div");
      this.empty = document.createElement("p");
      this.empty.className = "pv-empty";
      this.root.append(this.plot, this.empty);
      this.sizes = new ResizeObserver(() => this.resized());
      this.sizes.observe(this.root);
      this.themes = new MutationObserver(() => this.draw());
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      watch(["value", "summary", "empty", "height", "label"], () => this.draw());
      instances.add(this);
      this.draw();
    }

    draw() {
      if (this.gone) return;
      const { value, height, label, summary, empty } = this.props;
      const drawn = Boolean(value && value.data && value.data.length);
      this.root.style.setProperty("--height", `${height}px`);
      this.empty.textContent = drawn ? "" : empty;
      this.root.classList.toggle("pv-none", !drawn && !empty);
      this.plot.hidden = !drawn;
      if (drawn) {
        this.root.setAttribute("role", "img");
        this.root.setAttribute("aria-label", summary || label);
      } else {
        this.root.removeAttribute("role");
        this.root.removeAttribute("aria-label");
      }
      const width = this.width = this.root.clientWidth;
      if (!drawn || !width) return; // a hidden tab has no width: drawn when it is shown again
      const layout = { uirevision: "keep", ...value.layout, template: template(this.root), width, height };
      if (!this.plot.data) this.newPlots++;
      Plotly.react(this.plot, value.data.map(dressed), layout, CONFIG);
      this.root.dataset.ready = "";
    }

    resized() {
      if (!this.element.isConnected) this.destroy();
      else if (this.root.clientWidth && this.root.clientWidth !== this.width) this.draw();
    }

    destroy() {
      this.gone = true;
      this.sizes.disconnect();
      this.themes.disconnect();
      Plotly.purge(this.plot);
      instances.delete(this);
    }
  }

  window.PlotlyView = { mount: (context) => new View(context), instances };
})();
