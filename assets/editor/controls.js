// Around the curve: tools, choice of axes, legend, what keys do, the tip and the field for a value.
(function () {
  "use strict";
  const E = window.ScheduleEditor, { make, svg, DASHES } = window.Dom;
  const ICONS = {
    unlock: "M3.5 7.5h9v6h-9zM5.5 7.5v-2a2.5 2.5 0 0 1 4.8-1", undo: "M6 3.5 2.5 7 6 10.5M2.5 7h6.75a3.75 3.75 0 0 1 0 7.5H6.5", redo: "M10 3.5 13.5 7 10 10.5M13.5 7H6.75a3.75 3.75 0 0 0 0 7.5H9.5",
    insert: "M8 3v10M3 8h10", remove: "M3 8h10", lock: "M3.5 7.5h9v6h-9zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2", help: "M6 6a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1v.6M8 12.4v.1",
  };
  const TOOLS = {
    undo: "Undo (Ctrl+Z)", redo: "Redo (Ctrl+Y)", insert: "Add a level below the selected one (Insert)",
    remove: "Remove the selected level (Delete)", lock: "Lock the first and the last level",
  };
  const KEYS = [
    ["← → Home End", "from level to level"], ["↑ ↓", "up or down by 1 %, with Shift 0.1 %"], ["Page Up, Page Down", "by 10 %"],
    ["Enter", "type a value"], ["Insert or +", "add a level"], ["Delete or Backspace", "remove it"],
    ["Ctrl Z, Ctrl Y", "undo, redo"], ["Esc", "take back the move"],
  ];

  // A button that stays reachable while it has nothing to do: a vanishing focus loses its user.
  function button(parent, name, title, act) {
    const node = make("button", "se-button", parent, { type: "button", title, "aria-label": title, "data-cmd": name });
    svg(svg(node, "svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }), "path", { d: ICONS[name] });
    node.addEventListener("click", act);
    return node;
  }

  function face(button, name) { button.querySelector("path").setAttribute("d", ICONS[name]); }

  function choice(parent, title, act) {
    const node = make("select", "", make("span", "se-choice", parent), { "aria-label": title, title });
    node.addEventListener("change", () => act(node.value));
    return node;
  }

  function fill(select, labels, chosen) {
    select.textContent = "";
    for (const [value, label] of Object.entries(labels)) make("option", "", select, { value }).textContent = label;
    select.value = chosen;
  }

  // A toolbar is one tab stop: left and right move inside it.
  function rove(bar) {
    const tools = () => [...bar.querySelectorAll("button, select")].filter((tool) => !tool.hidden);
    const stop = (chosen) => tools().forEach((tool) => tool.setAttribute("tabindex", tool === chosen ? "0" : "-1"));
    bar.addEventListener("focusin", (event) => stop(event.target));
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], all = tools();
      if (!step) return;
      event.preventDefault();
      all[(all.indexOf(event.target) + step + all.length) % all.length].focus();
    });
    stop(tools()[0]);
  }

  function swatch(parent, { color, dash }) {
    const line = svg(svg(parent, "svg", { class: "se-swatch", viewBox: "0 0 24 8", "aria-hidden": "true" }), "path", { d: "M0 4H24" });
    line.style.setProperty("--color", color);
    line.setAttribute("stroke-dasharray", DASHES[dash] || "");
  }

  function legend(list, label, curves) {
    list.textContent = "";
    for (const curve of [{ name: label, color: "var(--se-accent)", dash: "solid" }, ...curves]) {
      const item = make("li", "", list, curve.source ? { tabindex: "0" } : {});
      swatch(item, curve);
      make("span", "", item).textContent = curve.name;
      if (curve.source) make("q", "", item).textContent = curve.source;
    }
    list.hidden = !curves.length;
  }

  function keys(parent, id) {
    const list = make("dl", "se-keys", parent, { id });
    list.hidden = true;
    for (const [key, does] of KEYS) {
      make("dt", "", list).textContent = key;
      make("dd", "", list).textContent = does;
      make("i", "", list.lastChild).textContent = "; "; // heard, not seen: as one text this describes every level
      make("i", "", list.lastChild.previousSibling).textContent = ": ";
    }
    return list;
  }

  // The page's parts in reading order, with `acts` behind the tools and menus.
  function parts(root, acts) {
    const helpId = `se-${Math.random().toString(36).slice(2)}`, tools = {};
    root.textContent = "";
    root.setAttribute("role", "group");
    const bar = make("div", "se-tools", root, { role: "toolbar", "aria-label": "Curve" });
    const vertical = choice(bar, "Vertical axis", acts.vertical);
    for (const [name, title] of Object.entries(TOOLS)) tools[name] = button(bar, name, title, acts[name]);
    const keyList = keys(root, helpId), help = button(bar, "help", "Keys", () => {
      keyList.hidden = !keyList.hidden;
      help.setAttribute("aria-expanded", String(!keyList.hidden));
    });
    help.setAttribute("aria-controls", helpId);
    help.setAttribute("aria-expanded", "false");
    rove(bar);
    const host = make("div", "se-host", root);
    const plot = make("div", "se-plot", host, { "aria-hidden": "true" });
    const tip = make("div", "se-tip", host, { "aria-hidden": "true", hidden: "" });
    const cited = make("div", "se-cited", host, { "aria-hidden": "true", hidden: "" });
    const foot = make("div", "se-foot", root);
    const said = make("output", "se-said", foot, { "aria-live": "polite" });
    const horizontal = choice(foot, "Horizontal axis", acts.horizontal);
    fill(horizontal, { step: "step", fraction: "fraction of steps" }, "step");
    const costs = make("figure", "se-costs", root), costLabel = make("figcaption", "", costs);
    const costBars = svg(costs, "svg", { role: "img" });
    const legend = make("ul", "se-legend", root, { "aria-label": "Curves" });
    return { vertical, horizontal, tools, keyList, host, plot, tip, cited, said, costs, costLabel, costBars, legend };
  }

  // What stands in a tip, and where: above the finger, inside the plot.
  function tip(node, words, [x, y], width) {
    node.textContent = words;
    node.hidden = false;
    const longest = Math.min(40, Math.max(...words.split("\n").map((line) => line.length)));
    const room = 7.2 * longest * 0.5 + 14; // half of its width, without asking for a layout
    node.style.left = `${Math.min(Math.max(x, room), Math.max(room, width - room))}px`;
    node.style.top = `${y}px`;
    node.classList.toggle("se-under", y < 56);
  }

  // A field at a level. `check(text)` answers "" or what is wrong, in words; Enter waits for "".
  // `done(text or null, by key)`: after a key the level has the focus again, otherwise what was chosen.
  function field(host, { label, value, place: [x, y], width, check, done }) {
    const box = make("div", "se-field", host), id = `se-${Math.random().toString(36).slice(2)}`;
    const input = make("input", "", box, { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": label, "aria-describedby": id });
    const words = make("span", "se-refusal", box, { id, role: "alert" });
    box.style.left = `${Math.min(Math.max(x - 60, 2), Math.max(2, width - 224))}px`;
    box.style.top = `${Math.max(0, y - 48)}px`;
    input.value = value;
    let open = true;
    const close = (text, key) => {
      if (!open) return;
      open = false;
      box.remove();
      done(text === value ? null : text, key);
    };
    const checked = () => {
      words.textContent = check(input.value);
      input.setAttribute("aria-invalid", String(Boolean(words.textContent)));
      return !words.textContent;
    };
    input.addEventListener("input", checked);
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close(null, true);
      if (event.key === "Enter" && checked()) close(input.value, true);
    });
    input.addEventListener("blur", () => close(checked() ? input.value : null, false));
    input.focus({ preventScroll: true });
    input.select();
    return { close: () => close(null) };
  }

  Object.assign(E, { parts, face, fill, legend, tip, field });
})();
