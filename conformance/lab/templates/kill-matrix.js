"use strict";
// Filters faults and requirements, and opens the target of a link.
(() => {
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools");
  const search = byId("search");
  const shown = byId("shown");
  const words = (text) => (text || "").split(" ").filter(Boolean);
  const rows = [...document.querySelectorAll(".requirement")].map((node) => ({
    node,
    part: node.parentElement.dataset.part,
    result: node.dataset.result,
    family: node.dataset.family || "",
    outcomes: words(node.dataset.outcomes),
    sections: words(node.dataset.sections),
    text: node.textContent.toLowerCase(),
  }));

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const results = new Set([...tools.querySelectorAll("[name=result]:checked")].map((box) => box.value));
    const [family, outcome, section] = ["family", "outcome", "section"].map((id) => byId(id).value);
    const byPart = new Map();
    let total = 0;
    for (const row of rows) {
      const fits = (!results.size || results.has(row.result)) && (!family || row.family === family)
        && (!outcome || row.outcomes.includes(outcome)) && (!section || row.sections.includes(section))
        && wanted.every((word) => row.text.includes(word));
      row.node.hidden = !fits;
      total += fits;
      byPart.set(row.part, (byPart.get(row.part) || 0) + fits);
    }
    for (const part of document.querySelectorAll(".part")) {
      const visible = byPart.get(part.dataset.part) || 0;
      part.hidden = !visible;
      part.querySelector("h3 .muted").textContent = visible;
    }
    byId("nothing").hidden = total > 0;
    shown.textContent = `${total.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 80);
  });
  tools.addEventListener("change", filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(filter));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, select")) {
      event.preventDefault();
      search.focus();
    }
  });
  tools.hidden = false;
  filter();

  function follow() {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      return;
    }
    const target = id && byId(id);
    if (!target || !target.classList.contains("requirement")) return;
    if (target.hidden) {
      tools.reset();
      filter();
    }
    target.open = true;
    target.querySelector("summary").focus({ preventScroll: true });
    target.scrollIntoView();
  }
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    // A second click on the link to the current place changes no hash, but should lead there as well.
    const link = event.target.closest("a");
    const hash = link && link.getAttribute("href");
    if (hash && hash === location.hash) setTimeout(follow);
  });
  follow();
})();
