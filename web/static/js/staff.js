// What the laboratory's pages do better with JavaScript; everything works without it.
(() => {
  "use strict";

  // "/" goes to the search field, j and k walk through the rows.
  const search = document.querySelector('input[type="search"]');
  const rows = [...document.querySelectorAll("a.row")];
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); search.select(); }
    const step = { j: 1, k: -1 }[event.key];
    if (!step || rows.length === 0) return;
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(rows.length - 1, Math.max(0, at + step))].focus();
  });

  // How the words a product was sold under are understood, a moment after the last key.
  const words = document.querySelector("[data-recognise]");
  if (words) {
    const shown = document.querySelector("#recognised");
    let timer = 0;
    const recognise = async () => {
      if (words.value.trim() === "") { shown.textContent = ""; return; }
      const answer = await fetch(`${words.dataset.recognise}?text=${encodeURIComponent(words.value)}`);
      if (!answer.ok) return;
      const { name } = await answer.json();
      shown.textContent = name ? `${shown.dataset.known} ${name}` : shown.dataset.unknown;
    };
    words.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(recognise, 250); });
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // A form is sent once, however often the button is pressed.
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; }));
  }
})();
