// What is wrong with a field, in words below it: heard when it changes, and tied to the field.
// Mounted from components/field_words.py. Words are text, whatever stands in them.
(function () {
  "use strict";

  function mount({ element, props, watch }) {
    const box = element.querySelector("output");
    box.id = `words-${Math.random().toString(36).slice(2)}`;
    const fields = () => props.fields.flatMap((id) => [...document.querySelectorAll(`#${id} :is(input, textarea)`)]);
    const show = () => {
      const { text, wrong } = props.value || { text: "", wrong: false };
      box.textContent = text;
      box.classList.toggle("fw-wrong", wrong);
      for (const field of fields()) {
        if (text) field.setAttribute("aria-describedby", box.id);
        else field.removeAttribute("aria-describedby");
        field.setAttribute("aria-invalid", String(wrong));
      }
    };
    watch("value", show);
    show();
  }

  window.FieldWords = { mount };
})();
