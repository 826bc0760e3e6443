// What the public pages do better with JavaScript; everything works without it.
(() => {
  "use strict";
  const SECOND = 1000;
  const BLANK_AFTER = 180 * SECOND;

  // The ticket's picture carries the code behind "#", which browsers never send. Move it to the form.
  const field = document.querySelector("#code");
  const carried = decodeURIComponent(location.hash.slice(1));
  if (field && /^[0-9A-Za-z*~$= -]{8,24}$/.test(carried)) {
    field.value = carried;
    history.replaceState(null, "", location.pathname);
    field.form.querySelector("button").focus();
  }

  const away = document.querySelector(".leave a");
  const leave = () => { document.body.replaceChildren(); location.replace(away.href); };
  if (away) {
    away.addEventListener("click", (event) => { event.preventDefault(); leave(); });
    let lastEscape = 0;
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (event.timeStamp - lastEscape < SECOND) leave();
      lastEscape = event.timeStamp;
    });
  }

  // A result left open on a shared phone goes away by itself.
  const result = document.querySelector("[data-blank]");
  if (result) {
    let timer = 0;
    const blank = () => {
      const text = result.dataset.blank;
      const message = document.createElement("p");
      message.className = "note";
      message.textContent = text;
      result.replaceChildren(message);
    };
    const restart = () => { clearTimeout(timer); timer = setTimeout(blank, BLANK_AFTER); };
    for (const kind of ["pointerdown", "keydown", "scroll"]) addEventListener(kind, restart, { passive: true });
    restart();
    // Coming back by the history would show it again.
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  }
})();
