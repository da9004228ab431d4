// Rounds of a blind test: two pictures of the same noise, sides at random, names only afterwards.
(function () {
  "use strict";
  const B = window.BlindView, { make } = window.Dom;
  const ANSWERS = [["left", "Left is better"], ["right", "Right is better"], ["tie", "Equally good"], ["bad", "Both bad"]];
  const instances = new Set();

  class View {
    constructor({ element, props, trigger, watch }) {
      this.props = props;
      const root = (this.root = element.querySelector(".bv-root"));
      root.textContent = "";
      this.empty = make("p", "bv-empty", root);
      this.start = make("button", "bv-button bv-start", root, { type: "button" });
      this.start.addEventListener("click", () => trigger("select", {}));
      const test = (this.test = make("div", "bv-test", root, { tabindex: "-1", role: "group", "aria-label": "Blind test" }));
      this.told = make("output", "bv-told", test, { "aria-live": "polite" });
      const sides = make("div", "bv-sides", test);
      this.images = ["left", "right"].map((side) => make("img", "bv-shot", sides, { alt: `${side} picture` }));
      const bar = (this.bar = make("div", "bv-bar", test, { role: "toolbar", "aria-label": "Which is better" }));
      this.buttons = ANSWERS.map(([answer, label], i) => {
        const node = make("button", "bv-button", bar, { type: "button", "aria-keyshortcuts": String(i + 1), "data-answer": answer });
        make("kbd", "bv-key", node, { "aria-hidden": "true" }).textContent = i + 1;
        node.append(label);
        node.addEventListener("click", () => this.answer(answer));
        return node;
      });
      this.next = make("button", "bv-button bv-next", bar, { type: "button" });
      this.next.textContent = "Next";
      this.next.addEventListener("click", () => this.onward());
      this.end = make("button", "bv-button bv-end", bar, { type: "button" });
      this.end.textContent = "End the test";
      this.end.addEventListener("click", () => this.done("Ended."));
      const option = (this.option = make("label", "bv-option", test));
      this.reveal = make("input", "", option, { type: "checkbox" });
      this.reveal.checked = true;
      this.reveal.addEventListener("change", () => this.count());
      option.append(" Tell whose pictures they were after every answer");
      const counted = (this.counted = make("div", "bv-counted", root));
      this.table = make("table", "bv-table", counted);
      const below = make("div", "bv-bar", counted);
      this.save = make("a", "bv-button", below, { download: "blind-test.json", href: "#" });
      this.save.textContent = "Export JSON";
      this.forget = make("button", "bv-button bv-forget", below, { type: "button" });
      this.forget.addEventListener("click", () => this.forgetOrUndo());
      make("span", "bv-note", below).textContent = "Answers stay in this browser.";
      root.addEventListener("keydown", (event) => this.key(event));
      this.sizes = new ResizeObserver(() => (root.isConnected ? this.hideNames() : this.destroy()));
      this.sizes.observe(root); // another tab may be shown
      watch("value", () => this.patch());
      instances.add(this);
      this.patch();
    }

    patch() {
      const value = this.props.value, text = JSON.stringify(value || null);
      if (text === this.shown) return; // the same pictures once more: the test goes on
      const pairs = ((value && value.pairs) || []).filter((pair) => pair.pictures.length);
      if (!pairs.length && this.round && value && value.ready) return; // another may begin: this one goes on
      this.shown = text;
      this.value = value;
      this.rounds = pairs.flatMap((pair) => pair.pictures.map((pictures, i) => ({ pair, pictures, seed: pair.seeds[i] })));
      for (let i = this.rounds.length - 1; i > 0; i--) {
        const j = Math.floor(Math.random() * (i + 1));
        [this.rounds[i], this.rounds[j]] = [this.rounds[j], this.rounds[i]];
      }
      this.at = -1;
      this.round = null;
      if (this.rounds.length) this.onward();
      else this.refresh();
      this.count();
      this.root.dataset.ready = "";
    }

    destroy() {
      this.sizes.disconnect();
      instances.delete(this);
      this.round = null;
      this.hideNames();
    }

    // The grid above has names and the same schedules' pictures: it is out of sight during a test.
    hideNames() {
      const tests = [...instances].some((each) => each.round && each.root.clientWidth);
      document.body.toggleAttribute("data-blind", tests);
    }

    forgetOrUndo() {
      if (this.forgotten) B.keep(this.forgotten);
      this.forgotten = this.forgotten ? null : B.read();
      if (this.forgotten) B.clear();
      this.count();
    }

    // The next round, its sides by a coin.
    deal() {
      if (this.at + 1 >= this.rounds.length) return this.done("That was the last round.");
      this.round = this.rounds[++this.at];
      this.flipped = Math.random() < 0.5;
      const [left, right] = this.flipped ? [1, 0] : [0, 1];
      this.images[0].src = this.round.pictures[left].url;
      this.images[1].src = this.round.pictures[right].url;
      this.open = true;
      this.told.textContent = `Round ${this.at + 1} of ${this.rounds.length}: which picture is better?`;
      this.refresh();
    }

    // Deals, and keeps the keys working: the button that was pressed is gone or disabled.
    onward() {
      this.deal();
      this.count();
      this.test.focus({ preventScroll: true });
    }

    done(words) {
      this.open = false;
      this.round = null;
      this.told.textContent = words;
      for (const image of this.images) image.removeAttribute("src");
      this.refresh();
      this.count();
    }

    refresh() {
      const value = this.value || {}, over = !this.round;
      for (const node of [this.images[0].parentNode, this.bar, this.option]) node.hidden = over;
      for (const node of this.buttons) node.disabled = !this.open;
      this.next.hidden = this.open;
      this.test.hidden = !this.rounds.length;
      this.empty.textContent = over ? value.note : "The grid above is hidden while you judge.";
      this.start.hidden = !over || !value.ready;
      this.start.textContent = this.rounds.length ? "Again, on new noises" : "Start a blind test";
      this.hideNames();
    }

    answer(said) {
      if (!this.open) return;
      const { pair, seed } = this.round;
      const answer = said === "left" ? (this.flipped ? "b" : "a") : said === "right" ? (this.flipped ? "a" : "b") : said;
      this.forgotten = null;
      B.add({ a: pair.a, b: pair.b, answer, settings: pair.settings, seed });
      this.open = false;
      if (!this.reveal.checked) return this.onward();
      const [left, right] = this.flipped ? [pair.b, pair.a] : [pair.a, pair.b];
      this.told.textContent = `Left: ${left}. Right: ${right}.`;
      this.refresh();
      this.count();
      this.next.focus();
    }

    // Names would give the next round away: with the names kept back, the table waits for the end.
    count() {
      const answers = B.read().answers, rows = B.tally(answers);
      const waiting = this.round && !this.reveal.checked;
      this.counted.hidden = (!answers.length && !this.forgotten) || waiting;
      this.forget.textContent = this.forgotten ? "Undo" : "Forget all answers";
      this.table.hidden = !answers.length;
      this.table.textContent = "";
      const head = make("tr", "", make("thead", "", this.table));
      for (const text of ["First", "Second", "First better", "Second better", "Equal", "Both bad", "First, of those decided (95 %)"]) make("th", "", head, { scope: "col" }).textContent = text;
      const body = make("tbody", "", this.table);
      let settings = "";
      for (const pair of rows.sort((a, b) => (a.settings < b.settings ? -1 : Number(a.settings > b.settings)))) {
        if (pair.settings !== settings) make("th", "bv-settings", make("tr", "", body), { colspan: 7, scope: "rowgroup" }).textContent = settings = pair.settings;
        const row = make("tr", "", body), n = pair.wins + pair.losses;
        const share = n ? `${((100 * pair.wins) / n).toFixed(0)} % (${(100 * pair.low).toFixed(0)} to ${(100 * pair.high).toFixed(0)})` : "none yet";
        for (const text of [pair.a, pair.b, pair.wins, pair.losses, pair.ties, pair.bad, share]) make("td", "", row).textContent = text;
      }
      const content = JSON.stringify({ version: B.VERSION, answers }, null, 1);
      this.save.href = `data:application/json;charset=utf-8,${encodeURIComponent(content)}`;
    }

    key(event) {
      const i = ["1", "2", "3", "4"].indexOf(event.key);
      if (i < 0 || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.answer(ANSWERS[i][0]);
    }
  }

  B.mount = (context) => new View(context);
  B.instances = instances; // what is mounted now, for tests
})();
