// The week of a room: choose a start and an end, see what it costs. Without this the slots are plain checkboxes.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function week(root) {
  const language = document.documentElement.lang || "de";
  const days = all("[data-day]", root);
  const inputs = (day) => all("input[data-from]", day);
  const chosen = () => all("input[data-from]:checked", root);
  const money = new Intl.NumberFormat(language, { style: "currency", currency: root.dataset.currency || "EUR" });

  // Both slots and all between them, or null if something taken lies between.
  function reach(day, first, last) {
    const [low, high] = [first, last].sort((a, b) => Number(a.dataset.from) - Number(b.dataset.from));
    const between = inputs(day).filter((input) => Number(input.dataset.from) >= Number(low.dataset.from) && Number(input.dataset.to) <= Number(high.dataset.to));
    const unbroken = between.every((input, at) => at === 0 || Number(between[at - 1].dataset.to) === Number(input.dataset.from));
    return unbroken ? between : null;
  }

  // One slot chosen: the second press is the end. Otherwise a press starts anew; pressing the only one clears it.
  function press(input) {
    const day = input.closest("[data-day]");
    const others = chosen().filter((other) => other !== input);
    const anchor = others.length === 1 && others[0].closest("[data-day]") === day ? others[0] : null;
    const range = anchor && input.checked ? reach(day, anchor, input) : null;
    const keep = range ?? (input.checked || others.length > 0 ? [input] : []);
    all("input[data-from]", root).forEach((other) => { other.checked = keep.includes(other); });
    sum();
  }

  function length(minutes) {
    const unit = (value, name) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
    return [[Math.floor(minutes / 60), "hour"], [minutes % 60, "minute"]].filter(([value]) => value > 0).map(([value, name]) => unit(value, name)).join(" ");
  }

  function sum() {
    const picked = chosen();
    const line = root.querySelector("[data-sum]");
    const note = root.querySelector("[data-week-note]");
    const send = root.querySelector("[data-send]");
    send.disabled = picked.length === 0;
    if (note) note.textContent = picked[0]?.dataset.note ?? note.dataset.weekNote;
    note?.classList.toggle("is-wait", Boolean(picked[0]?.dataset.note));
    if (picked.length === 0) { line.textContent = line.dataset.sum; return; }
    const [first, last] = [picked[0], picked[picked.length - 1]];
    const minutes = picked.reduce((total, input) => total + Number(input.dataset.to) - Number(input.dataset.from), 0);
    const cents = picked.reduce((total, input) => total + Number(input.dataset.cents || 0), 0);
    const day = first.closest("[data-day]").dataset.label;
    line.textContent = `${day} · ${first.dataset.start}\u2060–\u2060${last.dataset.end} · ${length(minutes)} · ${money.format(cents / 100)}`;
  }

  // Arrow keys: up and down along a day, left and right to the nearest time of the next day. Tab leaves the grid.
  function walk(event) {
    const input = event.target;
    const day = input.closest("[data-day]");
    const same = inputs(day);
    let next = { ArrowDown: same[same.indexOf(input) + 1], ArrowUp: same[same.indexOf(input) - 1] }[event.key];
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const side = days.filter((other) => inputs(other).length > 0);
      const target = side[side.indexOf(day) + (event.key === "ArrowRight" ? 1 : -1)];
      const away = (other) => Math.abs(Number(other.dataset.from) - Number(input.dataset.from));
      next = target && inputs(target).sort((a, b) => away(a) - away(b))[0];
    }
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    if (next) rove(next).focus();
  }

  function rove(to) {
    all("input[data-from]", root).forEach((input) => { input.tabIndex = input === to ? 0 : -1; });
    return to;
  }

  root.addEventListener("change", (event) => { if (event.target.matches("input[data-from]")) press(event.target); });
  root.addEventListener("focusin", (event) => { if (event.target.matches("input[data-from]")) rove(event.target); });
  root.addEventListener("keydown", (event) => { if (event.target.matches?.("input[data-from]")) walk(event); });
  const first = chosen()[0] ?? inputs(root)[0];
  if (first) rove(first);
  strip(root, days);
  sum();
}

// The strip of days on a phone: a press brings the day into view, a swipe moves the mark.
function strip(root, days) {
  const scroller = root.querySelector("[data-days]");
  const links = all("[data-strip] a", root);
  const jump = (day, behavior) => scroller.scrollTo({ left: day.offsetLeft - days[0].offsetLeft, behavior });
  const mark = (index) => links.forEach((link, at) => (at === index ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  links.forEach((link, at) => link.addEventListener("click", (event) => {
    event.preventDefault();
    jump(days[at], matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth");
    mark(at);
  }));
  const pressed = location.hash ? links.findIndex((link) => link.hash === location.hash) : -1; // before this script was here
  const open = pressed >= 0 ? pressed : Math.max(0, days.findIndex((day) => "open" in day.dataset));
  jump(days[open], "instant");
  mark(open);
  scroller.addEventListener("scroll", () => {
    const width = days[0].getBoundingClientRect().width;
    if (scroller.scrollWidth > scroller.clientWidth) mark(Math.min(days.length - 1, Math.round(scroller.scrollLeft / width)));
  }, { passive: true });
}

all("[data-week]").forEach(week);
