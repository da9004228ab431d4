// One row: its head (swatch, name, figures, menu button) and its pictures or its cloud.
(function () {
  "use strict";
  const P = window.Pictures, { make, svg, setText, DASHES } = window.Dom;
  const MEANINGS = {
    error: "Root mean square distance to the reference, from the same noise",
    same: "Share of samples that end in the same component as the reference",
  };

  // A line in the schedule's colour and dash; the reference has neither and gets the text's colour.
  function swatch(parent) {
    const root = svg(parent, "svg", { class: "pic-swatch", viewBox: "0 0 28 8", "aria-hidden": "true" });
    return { root, line: svg(root, "path", { d: "M1 4H27" }) };
  }

  class Row {
    constructor(view, id) {
      this.view = view;
      this.id = id;
      this.index = 0; // the picture that is the row's tab stop
      this.root = make("div", "pic-row", null, { role: "group" });
      const head = make("div", "pic-head", this.root);
      this.swatch = swatch(head);
      const title = make("div", "pic-title", head);
      this.name = make("span", "pic-name", title);
      this.note = make("span", "pic-note", title);
      this.figures = make("div", "pic-figures", head);
      this.sub = make("span", "pic-calls", this.figures);
      this.error = this.figure("error");
      this.same = this.figure("same");
      this.seconds = make("span", "pic-seconds", this.figures);
      this.menu = make("button", "pic-more", head, { type: "button", "aria-haspopup": "menu", "aria-expanded": "false" });
      this.menu.textContent = "⋯";
      this.menu.addEventListener("click", () => view.openMenu(this));
      this.message = make("p", "pic-message", this.root);
      this.body = make("div", "pic-body", this.root);
    }

    figure(label) {
      const box = make("span", `pic-${label}`, this.figures);
      make("span", "pic-label", box, { title: MEANINGS[label] }).textContent = label;
      return { box, value: make("b", "", box) };
    }

    update(row) {
      const old = this.row || {};
      this.row = row;
      this.root.dataset.state = row.state;
      this.root.dataset.row = row.id;
      this.root.classList.toggle("pic-reference", row.reference);
      this.swatch.root.classList.toggle("pic-truth", row.reference);
      this.swatch.root.style.setProperty("--row-color", row.color || "currentColor");
      this.swatch.line.setAttribute("stroke-dasharray", DASHES[row.dash] || "");
      setText(this.name, row.name);
      setText(this.note, row.note);
      setText(this.sub, row.sub);
      setText(this.seconds, row.seconds);
      for (const key of ["error", "same"]) {
        setText(this[key].value, row[key]);
        this[key].box.hidden = !row[key];
      }
      setText(this.message, row.message);
      this.menu.setAttribute("aria-label", `Actions for ${row.name}`);
      this.menu.classList.toggle("pic-none", !row.actions.length);
      this.root.setAttribute("aria-label", this.spoken());
      // What was on screen stays, dimmed, until something newer arrives; a failure clears it.
      if (row.state === "failed") this.strip = this.cloud = null;
      else {
        this.strip = row.strip || this.strip;
        this.cloud = row.cloud || this.cloud;
      }
      const fresh = Boolean(row.strip || row.cloud) && row.state === "done";
      this.root.classList.toggle("pic-dim", !fresh && row.state !== "failed");
      if (old.cloud !== row.cloud || !this.decoded) this.decode();
      this.paint();
    }

    spoken() {
      const { name, sub, error, same, seconds, state, message } = this.row;
      const parts = [sub, error && `error ${error}`, same && `same ${same}`, seconds, state !== "done" && state, message];
      return `${name}: ${parts.filter(Boolean).join(", ")}`;
    }

    decode() {
      const cloud = this.cloud || { points: "", paths: "", length: 0 };
      const same = this.decoded && this.decoded.source === cloud.points + cloud.paths;
      if (same) return;
      this.decoded = {
        source: cloud.points + cloud.paths,
        points: P.clouds.floats(cloud.points), paths: P.clouds.floats(cloud.paths), length: cloud.length,
      };
    }

    paint() {
      const points = this.view.value.kind === "points";
      if (this.body.dataset.kind !== this.view.value.kind) this.body.textContent = "";
      this.body.dataset.kind = this.view.value.kind;
      this.body.hidden = this.row.state === "failed";
      if (points) this.paintCloud();
      else this.paintPictures();
    }

    paintPictures() {
      const count = this.strip ? this.strip.count : this.view.count;
      while (this.body.childElementCount > count) this.body.lastElementChild.remove();
      while (this.body.childElementCount < count) {
        const cell = make("button", "pic-cell", this.body, { type: "button", tabindex: "-1" });
        const i = this.body.childElementCount - 1;
        cell.addEventListener("click", () => this.view.zoom.open(i, cell));
        cell.addEventListener("focus", () => this.rove(i));
      }
      this.index = Math.min(this.index, Math.max(0, count - 1));
      [...this.body.children].forEach((cell, i) => {
        cell.setAttribute("aria-label", `${this.row.name}, picture ${i + 1} of ${count}`);
        cell.disabled = !this.strip;
        cell.style.setProperty("--at", count > 1 ? `${(100 * i) / (count - 1)}%` : "0%");
      });
      this.rove(this.index);
      this.root.style.setProperty("--strip", this.strip ? `url("${this.strip.url}")` : "none");
      this.root.style.setProperty("--count", count);
    }

    rove(index) {
      this.index = index;
      [...this.body.children].forEach((cell, i) => (cell.tabIndex = i === index ? 0 : -1));
    }

    paintCloud() {
      let button = this.body.firstElementChild;
      if (!button) {
        button = make("button", "pic-cloud", this.body, { type: "button" });
        make("canvas", "", button);
        make("span", "pic-outside", button);
        button.addEventListener("click", () => this.view.zoom.open(0, button));
      }
      button.disabled = !this.cloud;
      button.setAttribute("aria-label", `Enlarge the points of ${this.row.name}`);
      const missing = P.clouds.outside(this.decoded.points, this.view.value.extent);
      setText(button.lastElementChild, missing ? `${missing} outside` : "");
      this.drawCloud(button.firstElementChild);
    }

    // Drawn anew only where something differs: while one row follows a moving level, the others rest.
    drawCloud(canvas) {
      const { points, paths, length } = this.decoded, { view } = this;
      const color = getComputedStyle(this.swatch.line).stroke, shown = view.showPaths && length ? paths : null;
      const looks = [canvas, points, shown, view.density, color, window.devicePixelRatio, canvas.clientWidth, canvas.clientHeight, ...view.value.extent];
      if (this.drawn && looks.every((value, i) => value === this.drawn[i])) return;
      this.drawn = looks;
      P.clouds.draw(canvas, { points, length, paths: shown, extent: view.value.extent, density: view.density, color });
    }
  }

  Object.assign(P, { Row });
})();
