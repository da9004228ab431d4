/* Read-only figures, drawn by the page's one plotly.js and patched in place. */
(function () {
  "use strict";
  const { Plotly, PLAIN, surface, merged } = window.ScheduleEditor;

  class View {
    constructor({ element, props, watch }) {
      Object.assign(this, { element, props });
      this.root = element.querySelector(".pv-root");
      this.root.setAttribute("role", "img");
      this.host = document.createElement("div");
      this.root.replaceChildren(this.host);
      this.newPlots = 0;
      this.resizes = new ResizeObserver(() => this.draw());
      this.resizes.observe(this.root);
      this.theme = new MutationObserver(() => this.draw(true));
      this.theme.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      watch(["value", "summary"], () => this.draw(true));
      this.draw(true);
    }

    draw(changed) {
      if (!this.element.isConnected) return this.destroy();
      const { value, height } = this.props, width = this.root.clientWidth;
      this.root.setAttribute("aria-label", this.props.summary || this.props.label || "figure");
      if (!value || !value.data) {
        if (this.drawn) Plotly.purge(this.host);
        this.drawn = false;
        this.host.className = "pv-empty";
        this.host.textContent = this.props.empty || "";
        return;
      }
      if (!width || (!changed && width === this.width)) return;
      this.width = width;
      if (!this.drawn) { this.host.textContent = ""; this.host.className = ""; this.newPlots++; }
      this.drawn = true;
      const layout = merged(merged(surface(this.root), { margin: { l: 56, r: 12, t: 30, b: 38 } }), value.layout);
      Plotly.react(this.host, value.data, { ...layout, width, height }, { ...PLAIN, staticPlot: false });
    }

    destroy() {
      this.resizes.disconnect();
      this.theme.disconnect();
      if (this.drawn) Plotly.purge(this.host);
    }
  }

  window.PlotlyView = { mount: (context) => new View(context) };
})();
