// Rows of pictures or clouds, one row a schedule, patched in place while results arrive.
// Mounted from gr.HTML's js_on_load; the value's shape is documented in components/pictures.py.
(function () {
  "use strict";
  const P = window.Pictures, { make, setText } = window.Dom;
  const GAP = 4; // px between pictures; the same number stands in pictures.css
  const WISHED = 64, WISHED_NARROW = 54, LARGEST = 128; // side of a picture, px
  const ACTIONS = { edit: "Edit this", duplicate: "Duplicate as mine", export: "Export", remove: "Remove" };
  const instances = new Set();

  // Small pictures are shown at whole numbers of device pixels a pixel: every pixel is a square.
  function crisp(side, native, round = Math.floor) {
    const pixel = native / (window.devicePixelRatio || 1);
    return pixel > side ? side : Math.max(1, round(side / pixel)) * pixel;
  }

  // The side at which pictures are shown in a row: all fit on one line, or the line scrolls.
  function pictureSide(available, count, native) {
    const fitting = (available + GAP) / count - GAP;
    const narrow = available < 500;
    if (fitting >= (narrow ? 44 : 52)) return crisp(Math.min(fitting, LARGEST), native);
    return crisp(narrow ? WISHED_NARROW : WISHED, native, Math.round);
  }

  class View {
    constructor({ element, props, trigger, watch }) {
      Object.assign(this, { element, props, trigger });
      this.rows = new Map();
      this.showPaths = false;
      this.build();
      this.sizes = new ResizeObserver(() => this.resized());
      this.sizes.observe(this.root);
      this.themes = new MutationObserver(() => this.paintAll());
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      watch("value", () => this.patch());
      instances.add(this);
      this.patch();
    }

    build() {
      const root = (this.root = this.element.querySelector(".pic-root"));
      root.textContent = "";
      const bar = make("div", "pic-bar", root);
      this.status = make("output", "pic-status", bar, { "aria-live": "polite" });
      this.toggle = make("button", "pic-toggle", bar, { type: "button", "aria-pressed": "false" });
      this.toggle.textContent = "Trajectories";
      this.toggle.addEventListener("click", () => {
        this.showPaths = !this.showPaths;
        this.toggle.setAttribute("aria-pressed", String(this.showPaths));
        this.paintAll();
      });
      this.bar = make("div", "pic-progress", root, { role: "presentation" });
      this.list = make("div", "pic-rows", root);
      this.finding = make("p", "pic-finding", root);
      this.menu = make("div", "pic-menu", root, { role: "menu", hidden: "" });
      this.zoom = new P.Zoom(this, crisp);
      this.list.addEventListener("keydown", (event) => this.move(event));
      this.menu.addEventListener("keydown", (event) => this.moveInMenu(event));
      this.menu.addEventListener("focusout", (event) => {
        if (!this.menu.contains(event.relatedTarget)) this.closeMenu(false);
      });
    }

    // ------------------------------------------------------------------ the value, patched in

    patch() {
      const value = this.props.value;
      if (!value || !value.rows) return;
      if (this.value && value.run < this.value.run) return; // an older computation's last words
      const was = this.value || value;
      if (was.kind !== value.kind || was.model !== value.model) this.clear();
      this.value = value;
      this.root.dataset.kind = value.kind;
      this.root.dataset.run = value.run;
      this.root.dataset.ready = "";
      const strips = value.rows.map((row) => row.strip).filter(Boolean);
      if (strips.length) {
        this.count = Math.max(...strips.map((strip) => strip.count));
        this.native = strips[0].width;
        this.root.style.setProperty("--aspect", strips[0].width / strips[0].height);
      }
      this.count = this.count || value.count || 8;
      this.loadDensity(value.density);
      this.resize();
      this.arrange(value.rows);
      this.toggle.hidden = !value.rows.some((row) => row.cloud && row.cloud.length);
      const progress = value.progress;
      this.list.setAttribute("aria-busy", String(Boolean(progress)));
      this.bar.style.setProperty("--done", progress ? progress.done / Math.max(1, progress.total) : 0);
      this.bar.classList.toggle("pic-none", !progress);
      const said = progress ? progress.text : "";
      if (this.status.textContent !== said) this.status.textContent = said;
      setText(this.finding, value.finding);
      this.zoom.refresh();
    }

    // Another kind of model: nothing on screen can stay.
    clear() {
      for (const row of this.rows.values()) row.root.remove();
      this.rows.clear();
      this.count = 0;
    }

    arrange(rows) {
      const kept = new Set(rows.map((row) => row.id));
      for (const [id, row] of this.rows) {
        if (kept.has(id)) continue;
        row.root.remove();
        this.rows.delete(id);
      }
      rows.forEach((data, place) => {
        if (!this.rows.has(data.id)) this.rows.set(data.id, new P.Row(this, data.id));
        const row = this.rows.get(data.id);
        const there = this.list.children[place];
        if (there !== row.root) this.list.insertBefore(row.root, there || null);
        row.update(data);
      });
    }

    get ordered() {
      return this.value.rows.map((row) => this.rows.get(row.id));
    }

    loadDensity(url) {
      if (url === this.densityUrl) return;
      this.densityUrl = url;
      this.density = null;
      if (!url) return;
      const image = new Image();
      image.onload = () => {
        if (this.densityUrl !== url) return;
        this.density = image;
        this.paintAll();
      };
      image.src = url;
    }

    paintAll() {
      if (!this.value) return;
      for (const row of this.ordered) row.paint();
      this.zoom.refresh();
    }

    resized() {
      if (!this.root.isConnected) return this.destroy();
      if (!this.root.clientWidth || !this.value) return; // hidden tab
      this.resize();
      if (this.value.kind === "points") this.paintAll();
    }

    resize() {
      const side = pictureSide(this.list.clientWidth, this.count, this.native || 32);
      this.root.style.setProperty("--side", `${side}px`);
      this.root.classList.toggle("pic-smooth", (this.native || 0) > side * (window.devicePixelRatio || 1));
    }

    destroy() {
      this.sizes.disconnect();
      this.themes.disconnect();
      instances.delete(this);
    }

    // ------------------------------------------------------------------ keyboard and menu

    move(event) {
      const cell = event.target.closest(".pic-cell");
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!cell || !step) return;
      const rows = this.ordered.filter((row) => row.strip && !row.body.hidden);
      const at = rows.findIndex((row) => row.body.contains(cell));
      const row = rows[at + step[0]];
      const next = row && row.body.children[rows[at].index + step[1]];
      if (next) {
        event.preventDefault();
        next.focus();
      }
    }

    openMenu(row) {
      if (!this.menu.hidden) return this.closeMenu(true);
      this.menu.textContent = "";
      this.menu.setAttribute("aria-label", `Actions for ${row.row.name}`);
      for (const action of row.row.actions) {
        const item = make("button", "pic-item", this.menu, { type: "button", role: "menuitem", tabindex: "-1" });
        item.textContent = ACTIONS[action] || action;
        item.dataset.action = action;
        item.addEventListener("click", () => {
          this.closeMenu(true);
          this.trigger("select", { row: row.id, action });
        });
      }
      const box = row.menu.getBoundingClientRect(), root = this.root.getBoundingClientRect();
      this.menu.style.top = `${box.bottom - root.top + 2}px`;
      this.menu.style.insetInlineEnd = `${root.right - box.right}px`;
      this.menu.hidden = false;
      this.opener = row.menu;
      this.opener.setAttribute("aria-expanded", "true");
      this.menu.firstElementChild.focus();
    }

    closeMenu(refocus) {
      if (this.menu.hidden) return;
      this.menu.hidden = true;
      this.opener.setAttribute("aria-expanded", "false");
      if (refocus) this.opener.focus();
    }

    moveInMenu(event) {
      const items = [...this.menu.children], at = items.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (event.key === "Escape" || event.key === "Tab") this.closeMenu(true);
      if (event.key === "Escape") event.stopPropagation();
      if (to === undefined) return;
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    }
  }

  P.mount = (context) => new View(context);
  P.instances = instances; // what is mounted now, for tests
})();
