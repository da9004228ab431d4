// A grid of cells, patched in place while results arrive. The value's shape stands in
// components/grid_view.py. A click on a cell looks at it closely, beside its reference.
(function () {
  "use strict";
  const G = window.GridView, { make, svg, setText, DASHES } = window.Dom;
  const CLICKS = "Click a cell to look closely, Shift-click another to compare with. All zoom together: Ctrl and wheel, + and −; drag or Shift and arrows to move.";
  const TAPS = "Tap a cell to look closely. All zoom together: pinch, + and −; drag to move.";
  const instances = new Set();

  class Cell {
    constructor(view, id) {
      this.view = view;
      this.root = make("div", "gv-cell", null, { role: "gridcell" });
      this.button = make("button", "gv-window", this.root, { type: "button", tabindex: "-1" });
      this.shot = new G.Shot(this.button);
      this.badge = make("b", "gv-badge", this.button);
      this.caption = make("span", "gv-caption", this.root);
      this.button.addEventListener("click", (event) => view.clicked(id, event));
      this.button.addEventListener("focus", () => view.stop(this));
    }

    update(data) {
      this.data = data;
      this.root.dataset.state = data.state;
      this.root.dataset.cell = data.id;
      this.root.classList.toggle("gv-reference", data.reference);
      this.root.style.gridArea = `${data.row + 2} / ${data.column + 2}`;
      this.button.setAttribute("aria-disabled", String(data.state !== "done")); // focusable all the same
      this.button.setAttribute("aria-label", [data.name, ...data.caption, data.message || (data.state === "done" ? "" : data.state)].filter(Boolean).join(", "));
      this.shot.show(data, this.view.field());
      this.tell(data.state === "failed" ? [data.message] : data.caption);
    }

    // Each part stays on its line.
    tell(parts) {
      const text = JSON.stringify(parts);
      if (text === this.told) return;
      this.told = text;
      this.caption.textContent = "";
      for (const part of parts) make("span", "gv-part", this.caption).textContent = part;
    }
  }

  // What stands before a row or over a column: a schedule has its colour and the range it ran over.
  class Head {
    constructor(parent, className, role) {
      this.root = make("span", className, parent, { role });
      this.swatch = svg(this.root, "svg", { class: "gv-swatch", viewBox: "0 0 28 6", "aria-hidden": "true" });
      this.line = svg(this.swatch, "path", { d: "M1 3H27" });
      this.name = make("span", "gv-label", this.root);
      this.sub = make("span", "gv-sub", this.root);
    }

    update({ name, sub, colour, dash }) {
      this.name.textContent = name;
      this.root.title = name;
      setText(this.sub, sub);
      this.swatch.style.display = colour ? "" : "none";
      this.line.setAttribute("stroke", colour || "none");
      this.line.setAttribute("stroke-dasharray", DASHES[dash] || "");
    }
  }

  class View {
    constructor({ element, props, trigger, watch }) {
      this.props = props;
      this.trigger = trigger;
      this.cells = new Map();
      const root = (this.root = element.querySelector(".gv-root"));
      root.textContent = "";
      const bar = make("div", "gv-bar gv-head", root);
      this.status = make("output", "gv-status", bar, { "aria-live": "polite" });
      const tools = make("div", "gv-tools", bar, { role: "toolbar", "aria-label": "Zoom of all cells" });
      for (const [label, name, key, act] of [
        ["−", "Zoom out", "-", () => this.zoom.by(0.8)],
        ["+", "Zoom in", "+", () => this.zoom.by(1.25)],
        ["Fit", "Whole pictures", "0", () => this.zoom.set(1, 0, 0)],
      ]) {
        const node = make("button", "gv-button", tools, { type: "button", "aria-label": name, title: `${name} (${key})` });
        node.textContent = label;
        node.addEventListener("click", act);
      }
      this.settings = make("p", "gv-settings", root);
      this.note = make("p", "gv-settings", root);
      this.progress = make("div", "gv-progress", root, { role: "presentation" });
      this.look = new G.Look(this);
      this.scroller = make("div", "gv-scroller", root);
      this.list = make("div", "gv-grid", this.scroller, { role: "grid", "aria-label": "Comparison" });
      this.hint = make("p", "gv-hint", root);
      this.zoom = new G.Zoom(root, () => this.paint());
      root.addEventListener("keydown", (event) => this.key(event));
      for (const kind of ["pointermove", "pointerdown"]) root.addEventListener(kind, (event) => this.pointed(event)); // a finger does not hover
      this.themes = new MutationObserver(() => this.paint());
      this.themes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.sizes = new ResizeObserver(() => (root.isConnected ? this.resized() : this.destroy()));
      this.sizes.observe(root);
      watch("value", () => this.patch());
      instances.add(this);
      this.patch();
    }

    destroy() {
      this.sizes.disconnect();
      this.themes.disconnect();
      clearInterval(this.look.blinking);
      instances.delete(this);
    }

    // ------------------------------------------------------------------ the value, patched in

    patch() {
      const value = this.props.value;
      this.root.hidden = !value || !value.cells;
      if (this.root.hidden || (this.value && value.run < this.value.run)) return;
      if (this.value && value.run !== this.value.run) this.begin();
      this.value = value;
      this.root.dataset.kind = value.kind;
      this.list.style.setProperty("--columns", value.columns.length);
      const first = value.cells.map((cell) => cell.picture).find(Boolean);
      if (first) this.root.style.setProperty("--aspect", first.width / first.height);
      this.resized();
      this.heads(value);
      const kept = new Set(value.cells.map((cell) => cell.id));
      for (const [id, cell] of this.cells) if (!kept.has(id)) cell.root.remove(), this.cells.delete(id);
      const order = [...value.cells].sort((a, b) => a.row - b.row || a.column - b.column);
      const places = [];
      for (const data of order) {
        if (!this.cells.has(data.id)) this.cells.set(data.id, new Cell(this, data.id));
        const cell = this.cells.get(data.id);
        cell.update(data);
        // What stands in its place stays there: a node that is moved loses the focus.
        const row = this.rows[data.row], place = (places[data.row] = (places[data.row] || 0) + 1);
        if (row.children[place] !== cell.root) row.insertBefore(cell.root, row.children[place] || null);
      }
      const doing = value.progress;
      this.progress.style.setProperty("--done", doing ? doing.done / Math.max(1, doing.total) : 0);
      this.progress.classList.toggle("gv-none", !doing);
      this.list.setAttribute("aria-busy", String(Boolean(doing)));
      this.list.dataset.run = this.value.run;
      setText(this.status, [doing && doing.text, value.said].filter(Boolean).join(", "));
      setText(this.settings, value.settings);
      setText(this.note, value.note);
      setText(this.hint, window.matchMedia("(pointer: coarse)").matches ? TAPS : CLICKS);
      this.stop(this.cells.get(this.current) || this.cells.values().next().value);
      this.mark();
      this.paint();
      if (this.look.open) this.look.refresh();
      this.root.dataset.ready = "";
    }

    // Another computation: what was looked at may be gone.
    begin() {
      if (this.look.open) this.look.close();
      this.pickB(false);
    }

    heads(value) {
      const names = JSON.stringify([value.rows, value.columns].map((heads) => heads.map((head) => head.name)));
      if (names !== this.names) this.lay(value);
      this.names = names;
      value.rows.forEach((head, i) => this.before[i].update(head));
      value.columns.forEach((head, j) => this.over[j].update(head));
    }

    // Rows and columns anew, without cells.
    lay(value) {
      this.list.textContent = "";
      this.cells.clear();
      const top = make("div", "gv-row", this.list, { role: "row" });
      make("span", "gv-corner", top, { role: "columnheader", "aria-label": "row" });
      this.over = value.columns.map((_, j) => {
        const head = new Head(top, "gv-column", "columnheader");
        head.root.style.gridArea = `1 / ${j + 2}`;
        return head;
      });
      this.rows = value.rows.map(() => make("div", "gv-row", this.list, { role: "row" }));
      this.before = this.rows.map((row, i) => {
        const head = new Head(row, "gv-name", "rowheader");
        head.root.style.gridArea = `${i + 2} / 1`;
        return head;
      });
    }

    data(id) {
      const cell = this.cells.get(id);
      return cell && cell.data;
    }

    // What a cloud is drawn in; nothing for pictures.
    field() {
      return this.value.kind === "points" ? { extent: this.value.extent, density: this.value.density } : null;
    }

    resized() {
      if (!this.value || !this.root.clientWidth) return; // hidden tab
      const narrow = this.root.clientWidth < 560, columns = this.value.columns.length;
      const room = (this.root.clientWidth - (narrow ? 0 : 150)) / columns - 10;
      const side = Math.round(Math.min(190, Math.max(narrow ? 84 : 96, room)));
      this.root.style.setProperty("--side", `${side}px`);
      this.paint();
    }

    // Clouds follow the zoom by being drawn anew; pictures by style alone.
    paint() {
      if (!this.value || this.value.kind !== "points") return;
      for (const cell of this.cells.values()) cell.shot.paint(this.zoom);
      if (this.look.open) this.look.paint();
    }

    // ------------------------------------------------------------------ pointer, keyboard, choice

    clicked(id, event) {
      if ((event.detail && this.zoom.dragging) || this.data(id).state !== "done") return;
      if (this.look.open && (event.shiftKey || this.picking)) {
        this.look.show(this.look.a, id);
        this.pickB(false);
      } else this.look.show(id, this.other(id));
      this.mark();
      this.look.root.scrollIntoView({ block: "nearest" });
    }

    // Beside a cell stands its reference; beside a reference one of its own cells.
    other(id) {
      if (this.data(id).against) return this.data(id).against;
      const own = this.value.cells.find((cell) => cell.against === id && cell.state === "done");
      return own ? own.id : id;
    }

    pickB(on) {
      this.picking = on;
      this.look.picker.setAttribute("aria-pressed", String(on));
      this.root.classList.toggle("gv-picking", on);
    }

    closed() {
      this.pickB(false);
      const cell = this.cells.get(this.look.a);
      this.mark();
      if (cell) cell.button.focus();
    }

    mark() {
      for (const [id, cell] of this.cells) {
        const letter = this.look.open ? (id === this.look.a ? "A" : "") + (id === this.look.b ? "B" : "") : "";
        setText(cell.badge, letter);
        cell.root.classList.toggle("gv-chosen", Boolean(letter));
      }
    }

    // One tab stop for the grid: the cell that had the focus last.
    stop(cell) {
      if (!cell) return;
      for (const each of this.cells.values()) each.button.tabIndex = each === cell ? 0 : -1;
      this.current = cell.data.id;
    }

    pointed(event) {
      if (!this.look.open) return;
      const at = this.zoom.place(event);
      this.look.pixel.setAttribute("aria-live", "off");
      if (!at) return this.look.at(-1, -1);
      this.look.at(...this.zoom.inside(at.u, at.v));
    }

    key(event) {
      if (event.target.closest("input") && event.key.startsWith("Arrow")) return;
      if (this.zoom.key(event) || (this.look.open && this.look.key(event)) || this.move(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    }

    move(event) {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const id = event.target.closest(".gv-cell") && event.target.closest(".gv-cell").dataset.cell;
      if (!step || !id) return false;
      const here = this.data(id);
      const next = [...this.cells.values()].find((cell) => cell.data.row === here.row + step[0] && cell.data.column === here.column + step[1]);
      if (!next) return false;
      next.button.focus();
      return true;
    }
  }

  G.mount = (context) => new View(context);
  G.instances = instances; // what is mounted now, for tests
})();
