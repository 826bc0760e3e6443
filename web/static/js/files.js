// The files of one sample: chosen or dropped, sent one run after the other, and watched while they are read.
// Without JavaScript the same form sends everything at once.
(() => {
  "use strict";
  const MANY = 20;
  const INSTRUMENT = /\.(d|raw|dx)$/i; // folders that instruments write
  const NOISE = /(^|\/)(\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)/i;
  const files = document.querySelector("[data-poll]");
  const form = document.querySelector("form.drop");
  let sending = 0; // drops and forms that are not through yet

  // While a file is being read the page asks for the list again and again; when the last one has ended the
  // whole page is loaded once, unless that would take away what was said of files that were not taken.
  let timer = 0;
  const watch = (delay) => { clearTimeout(timer); timer = setTimeout(ask, delay); };
  const ask = async () => {
    const open = [...files.querySelectorAll("details[open]")].map((one) => one.id);
    const answer = await fetch(files.dataset.poll, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) { watch(5000); return; }
    const focused = files.contains(document.activeElement) && document.activeElement.closest("details");
    if (!focused) {
      files.innerHTML = await answer.text();
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    }
    if (sending || focused || files.querySelector("[data-running]")) { watch(1500); return; }
    if (form?.querySelector(".sent .note")) document.querySelector("#all-read").hidden = false;
    else location.reload();
  };
  if (files.querySelector("[data-running]")) watch(1000);
  // What a file contains is not on the page yet when it was read a moment ago.
  files.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link || document.querySelector(link.hash)) return;
    location.hash = link.hash;
    location.reload();
  });
  if (!form) return;

  const list = form.querySelector(".sent");
  const words = form.dataset;

  const say = (item, lines) => item.replaceChildren(...lines.map(({ tone, text }) => {
    const line = document.createElement("p");
    line.textContent = text;
    if (tone !== "note") line.className = `note ${tone}`;
    return line;
  }));
  const refuse = (item, name, text) => say(item, [{ tone: "alert", text: name ? `${name}: ${text}` : text }]);
  const added = () => list.appendChild(document.createElement("li"));

  // What is sent together: a file, the folder of one run, or what else lies in a folder.
  const grouped = (chosen) => {
    const units = new Map();
    chosen.forEach(({ path, file }, number) => {
      const steps = path.split("/");
      if (steps.length > 1 && NOISE.test(path)) return;
      const run = steps.slice(0, -1).findIndex((step) => INSTRUMENT.test(step));
      const from = Math.max(run, 0);
      const key = steps.length === 1 ? `file ${number}` : `folder ${steps.slice(0, from + 1).join("/")}`;
      const unit = units.get(key) ?? { name: steps[from], runs: run < 0 ? 0 : 1, size: 0, parts: [] };
      if (run < 0) unit.runs += 1;
      unit.size += file.size;
      unit.parts.push({ path: steps.slice(from).join("/"), file });
      units.set(key, unit);
    });
    return [...units.values()];
  };

  const send = (unit, item) => new Promise((done) => {
    const bar = item.querySelector("progress");
    const data = new FormData();
    data.append("csrf_token", form.elements.csrf_token.value);
    for (const { path, file } of unit.parts) data.append("files", file, path);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = loaded / total;
      if (loaded === total) item.querySelector(".why").textContent = words.stored;
    });
    request.addEventListener("load", () => {
      const lines = request.response?.lines;
      if (lines) say(item, lines);
      else refuse(item, unit.name, request.status === 413 ? words.tooLarge : words.refused);
      done();
    });
    request.addEventListener("error", () => { refuse(item, unit.name, words.broken); done(); });
    request.send(data);
  });

  const waiting = (unit) => {
    const item = added();
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", unit.name);
    const state = document.createElement("span");
    state.className = "why";
    state.textContent = words.waiting;
    item.append(unit.name, bar, state);
    return item;
  };

  const sendAll = async (units, unreadable) => {
    for (const name of unreadable) refuse(added(), name, words.unreadable);
    const items = units.map((unit) => [unit, waiting(unit)]);
    for (const [unit, item] of items) {
      const limit = Number(unit.runs === 1 ? words.limit : words.together);
      if (unit.size === 0) refuse(item, unit.name, words.empty);
      else if (unit.size > limit) refuse(item, unit.name, words.tooLarge);
      else await send(unit, item);
    }
  };

  // One drop or form after the other.
  let line = Promise.resolve();
  const enqueue = (chosen, unreadable = []) => {
    const units = grouped(chosen);
    const runs = units.reduce((sum, unit) => sum + unit.runs, 0);
    if (runs > MANY && !confirm(words.many.replace("{number}", runs))) return;
    if (sending === 0) list.replaceChildren();
    if (units.length + unreadable.length === 0) { say(added(), [{ tone: "warn", text: words.nothing }]); return; }
    sending += 1;
    line = line.then(() => sendAll(units, unreadable)).then(() => { sending -= 1; watch(0); });
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const inputs = [...form.querySelectorAll('input[type="file"]')];
    enqueue(inputs.flatMap((input) => [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
    for (const input of inputs) input.value = "";
  });

  const listed = async (folder) => {
    const reader = folder.createReader();
    const all = [];
    for (;;) { // a browser gives a hundred at a time
      const some = await new Promise((good, bad) => reader.readEntries(good, bad));
      if (some.length === 0) return all;
      all.push(...some);
    }
  };
  const walk = async (entry, before, found) => {
    const path = before + entry.name;
    if (entry.isFile) found.push({ path, file: await new Promise((good, bad) => entry.file(good, bad)) });
    else for (const inside of await listed(entry)) await walk(inside, `${path}/`, found);
  };

  const take = async (entries) => {
    const found = [], unreadable = [];
    for (const entry of entries) {
      const inside = [];
      await walk(entry, "", inside).then(() => found.push(...inside), () => unreadable.push(entry.name));
    }
    enqueue(found, unreadable);
  };

  const over = (on) => (event) => { event.preventDefault(); form.classList.toggle("over", on); };
  form.addEventListener("dragenter", over(true));
  form.addEventListener("dragover", over(true));
  form.addEventListener("dragleave", over(false));
  form.addEventListener("drop", (event) => {
    over(false)(event);
    // Entries are gone once this function waits for anything.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    if (entries.length > 0) take(entries);
  });
  // A file dropped beside the frame would replace the page.
  for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
})();
