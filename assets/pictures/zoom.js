// The close look: the same picture of every row side by side, or every cloud at a larger size.
(function () {
  "use strict";
  const P = window.Pictures, { make } = window.Dom;
  const GAP = 16, CAPTION = 56, LARGEST = 512; // px; the gap stands in pictures.css too

  // The largest side at which `count` squares fit into a box, and their columns.
  function fit(count, width, height) {
    let best = { side: 0, columns: 1 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const side = Math.min((width + GAP) / columns - GAP, height / rows - CAPTION, LARGEST);
      if (side > best.side) best = { side, columns };
    }
    return best;
  }

  class Zoom {
    constructor(view, crisp) {
      this.crisp = crisp;
      this.view = view;
      this.index = 0;
      const dialog = (this.dialog = make("dialog", "pic-zoom", view.root));
      const head = make("div", "pic-zoom-head", dialog);
      this.title = make("h2", "", head, { "aria-live": "polite" });
      this.previous = this.button(head, "‹", "Previous picture", () => this.show(this.index - 1));
      this.next = this.button(head, "›", "Next picture", () => this.show(this.index + 1));
      this.button(head, "×", "Close", () => dialog.close());
      this.grid = make("div", "pic-zoom-grid", dialog);
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
      dialog.addEventListener("close", () => this.opener && this.opener.focus());
      dialog.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step) this.show(this.index + step);
      });
    }

    button(parent, text, label, act) {
      const node = make("button", "pic-zoom-button", parent, { type: "button", "aria-label": label, title: label });
      node.textContent = text;
      node.addEventListener("click", act);
      return node;
    }

    open(index, opener) {
      this.opener = opener;
      this.dialog.showModal();
      this.show(index);
    }

    show(index) {
      const points = this.view.value.kind === "points";
      this.index = points ? 0 : Math.min(Math.max(index, 0), this.view.count - 1);
      const seed = this.view.value.first_seed;
      const which = seed === null ? "" : `, seed ${(seed + this.index).toLocaleString("en")}`;
      const title = points ? "All on one scale" : `Picture ${this.index + 1} of ${this.view.count}${which}`;
      if (this.title.textContent !== title) this.title.textContent = title; // read aloud when it changes
      this.dialog.setAttribute("aria-label", title);
      this.previous.hidden = this.next.hidden = points;
      this.previous.disabled = this.index === 0;
      this.next.disabled = this.index === this.view.count - 1;
      const rows = this.view.ordered.filter((row) => (points ? row.cloud : row.strip));
      this.size(rows.length, points);
      this.grid.replaceChildren();
      for (const row of rows) this.add(row, points);
    }

    size(count, points) {
      const width = Math.min(1100, window.innerWidth - 24) - 44, height = window.innerHeight - 130;
      const { side, columns } = fit(count, width, height);
      const smallest = Math.min(width, 140); // below this the dialog scrolls instead
      const large = Math.max(side, smallest);
      this.grid.style.setProperty("--columns", side < smallest ? Math.floor((width + GAP) / (smallest + GAP)) : columns);
      this.grid.style.setProperty("--large", `${points ? large : this.crisp(large, this.view.native)}px`);
    }

    add(row, points) {
      const figure = make("figure", "pic-zoom-figure", this.grid);
      const caption = make("figcaption", "", figure);
      caption.append(row.swatch.root.cloneNode(true));
      make("span", "pic-name", caption).textContent = row.row.name;
      make("span", "pic-label", caption).textContent = row.row.reference
        ? row.row.sub : row.row.error && `error ${row.row.error}`;
      if (points) {
        row.drawCloud(make("canvas", "pic-zoom-cloud", figure, { role: "img", "aria-label": row.spoken() }));
        return;
      }
      const picture = make("div", "pic-cell pic-zoom-cell", figure, { role: "img", "aria-label": row.spoken() });
      for (const name of ["--strip", "--count"]) picture.style.setProperty(name, row.root.style.getPropertyValue(name));
      picture.style.setProperty("--at", row.body.children[this.index].style.getPropertyValue("--at"));
    }

    refresh() {
      if (this.dialog.open) this.show(this.index);
    }
  }

  P.Zoom = Zoom;
})();
