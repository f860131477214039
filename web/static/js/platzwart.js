// Small help on top of pages that work without it. Everything is found by data-attributes; texts come from the page.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const remember = (key, value) => { try { localStorage.setItem(key, value); } catch { /* storage forbidden: not remembered */ } };
const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };

// Say something to screen readers without moving the focus.
export function announce(text) {
  const live = document.querySelector("[data-live]");
  if (live) live.textContent = text;
}

// Theme: [data-theme-switch] turns light into dark and back; the choice stays on this device.
function theme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const show = () => all("[data-theme-switch]").forEach((button) => button.setAttribute("aria-pressed", String(dark())));
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    root.dataset.theme = dark() ? "light" : "dark";
    remember("theme", root.dataset.theme);
    show();
  });
  show();
}

// Dialogs: [data-opens="id"] opens, [data-close] closes; a click beside closes; the browser returns the focus.
function dialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.opens);
      if (!dialog?.showModal) return;
      event.preventDefault();
      if (!dialog.open) dialog.showModal();
      return;
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    else if (event.target.matches?.("dialog[open]")) event.target.close();
  });
}

// Toasts: [data-toast], with data-seconds a countdown in [data-count]; at 0 the undo is gone, as it is on the server.
function toasts() {
  all("[data-toast]").forEach((toast) => {
    const count = toast.querySelector("[data-count]");
    const ends = Date.now() + Number(toast.dataset.seconds || 0) * 1000;
    if (count && toast.dataset.seconds) {
      const tick = () => {
        const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
        count.textContent = `${left} s`;
        if (left > 0) return;
        clearInterval(timer);
        toast.remove();
      };
      const timer = setInterval(tick, 250);
      tick();
    }
    toast.querySelector("[data-dismiss]")?.addEventListener("click", () => toast.remove());
  });
}

// Copy: [data-copy="text"]; afterwards the button says data-copied for two seconds.
function copying() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const words = button.querySelector("[data-copy-words]") ?? button;
    const before = words.textContent;
    words.textContent = button.dataset.copied;
    announce(button.dataset.copied);
    setTimeout(() => { words.textContent = before; }, 2000);
  });
}

// Tables: [data-table="local"] filters the rows on the page; "server" asks the server and takes rows, count and pages over.
function tables() {
  all("[data-table]").forEach((box) => {
    const form = document.getElementById(box.dataset.form);
    box.querySelector("[data-filters-switch]")?.addEventListener("click", (event) => {
      event.currentTarget.setAttribute("aria-expanded", String(box.classList.toggle("shows-filters")));
    });
    if (!form) return;
    const refresh = box.dataset.table === "local" ? () => filterHere(box) : delayed(() => filterThere(box, form), 250);
    box.addEventListener("input", (event) => { if (event.target.matches("[data-filter]")) refresh(); });
    form.addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
    if (box.dataset.table === "local") filterHere(box);
  });
}

function filterHere(box) {
  const wanted = all("[data-filter]", box).filter((input) => input.value.trim()).map((input) => [input.dataset.filter, input.value.trim().toLocaleLowerCase()]);
  const rows = all("tbody tr[data-row]", box);
  rows.forEach((row) => {
    row.hidden = !wanted.every(([key, text]) => {
      const cell = row.querySelector(`[data-cell="${CSS.escape(key)}"]`);
      return (cell?.dataset.value ?? cell?.textContent ?? "").toLocaleLowerCase().includes(text);
    });
  });
  const left = rows.filter((row) => !row.hidden).length;
  const none = box.querySelector("[data-none]");
  if (none) none.hidden = left > 0;
  const count = box.querySelector("[data-shown]");
  if (count) count.textContent = String(left);
}

async function filterThere(box, form) {
  const address = new URL(form.action);
  address.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "")).toString();
  box.dataset.asked = address.href;
  box.setAttribute("aria-busy", "true");
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (box.dataset.asked !== address.href) return; // a later key press asked again
  if (!answer?.ok) { location.assign(address); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(box.id);
  ["tbody", "[data-pages]", "[data-count-line]"].forEach((part) => {
    const [now, next] = [box.querySelector(part), fresh?.querySelector(part)];
    if (now && next) now.replaceWith(next);
  });
  box.removeAttribute("aria-busy");
  history.replaceState(null, "", address);
}

function delayed(act, wait) {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(act, wait); };
}

// Keys of the inbox: j k move along [data-inbox-item]; a letter presses the visible [data-key]; off when the reader says so.
function keys() {
  if (!document.querySelector("[data-keys]")) return;
  const toggle = document.querySelector("[data-keys-switch]");
  if (toggle) {
    toggle.checked = recall("keys") !== "off";
    toggle.addEventListener("change", () => remember("keys", toggle.checked ? "on" : "off"));
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || recall("keys") === "off") return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "k") { move(event.key === "j" ? 1 : -1); event.preventDefault(); return; }
    const target = all("[data-key]").find((item) => item.dataset.key === event.key && item.getClientRects().length > 0);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input")) target.focus();
    else target.click();
  });
}

function move(step) {
  const items = all("[data-inbox-item]");
  if (items.length === 0) return;
  const focused = items.indexOf(document.activeElement);
  const at = focused >= 0 ? focused : items.findIndex((item) => item.hasAttribute("aria-current"));
  const next = items[Math.min(items.length - 1, Math.max(0, at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
  if (next !== items[at] && next.closest("[data-follow]")) next.click();
}

// After a refused form the summary gets the focus, so that it is read first.
function summary() {
  document.querySelector("[data-error-summary]")?.focus();
  all(".site-nav [aria-current]").forEach((item) => {
    const strip = item.closest(".site-nav");
    if (strip.scrollWidth > strip.clientWidth) strip.scrollLeft = item.offsetLeft - strip.offsetLeft - 16;
  });
}

// A form is sent once: a second press while the first is under way does nothing.
function once() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 5000); // an answer that is a file leaves the page standing
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));
}

// A price that follows what is typed: a change in [data-extras] or of the number of people presses [data-reprice] behind
// the page, and [data-price] and the sum that travels with the form are taken over. Without it the button does the same.
function reprice() {
  const button = document.querySelector("[data-reprice]");
  const form = button?.form;
  if (!form) return;
  let turn = 0;
  form.addEventListener("change", async (event) => {
    if (!event.target.closest("[data-extras]") && event.target.name !== "people") return;
    const mine = (turn += 1);
    const answer = await fetch(button.formAction, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (!answer?.ok || mine !== turn) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, fresh] = [document, page].map((root) => root.querySelector("[data-price]"));
    if (!old || !fresh || mine !== turn) return;
    old.replaceChildren(...fresh.childNodes);
    form.elements.price_cents.value = page.querySelector("[name=price_cents]")?.value ?? "";
    announce(old.querySelector("tfoot")?.textContent.trim() ?? "");
  });
}

// A frame that holds the focus says so: its own page has it, and :focus never matches the frame around it.
function frames() {
  const mark = () => all("iframe").forEach((frame) => frame.classList.toggle("has-focus", frame === document.activeElement));
  ["blur", "focus"].forEach((name) => addEventListener(name, () => setTimeout(mark)));
}

[theme, dialogs, toasts, copying, tables, keys, summary, once, frames, reprice].forEach((part) => part());
if (document.querySelector("[data-week]")) import("./week.js");
