// Work that a worker does meanwhile: [data-refresh="mark"] asks for the page again until the mark is another or gone.
const SECONDS = 2;
const LONGEST = 15;

function watch(box) {
  let pause = SECONDS;
  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { "X-Requested-With": "refresh" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.querySelector("[data-refresh]");
      if (answer.ok && found?.dataset.refresh !== box.dataset.refresh) {
        location.reload();
        return;
      }
    } catch { /* away for a moment: it is asked again */ }
    pause = Math.min(LONGEST, pause * 1.2);
    setTimeout(look, pause * 1000);
  };
  setTimeout(look, pause * 1000);
}

const box = document.querySelector("[data-refresh]");
if (box) watch(box);
