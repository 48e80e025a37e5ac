"use strict";
// Filters the rows in each part of a page by the controls of its toolbar; not every page has every control.
(() => {
  const tools = document.getElementById("tools");
  if (!tools) return; // a page without rows
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const picked = (id) => document.getElementById(id);
  const parts = [...document.querySelectorAll(".part")].map((part) => ({
    part,
    rows: [...part.querySelectorAll(".row")].map((row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const total = parts.reduce((sum, { rows }) => sum + rows.length, 0);

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const level = picked("level")?.value;
    const section = picked("section")?.value;
    const differing = picked("differing")?.checked;
    const broken = picked("broken")?.checked;
    let count = 0;
    for (const { part, rows } of parts) {
      const here = !section || part.dataset.section === section;
      let kept = 0;
      for (const { row, text } of rows) {
        const fits =
          here &&
          (!level || row.dataset.level === level) &&
          (!differing || row.classList.contains("differs")) &&
          (!broken || "broken" in row.dataset) &&
          words.every((word) => text.includes(word));
        row.hidden = !fits;
        kept += fits ? 1 : 0;
      }
      part.hidden = kept === 0;
      count += kept;
    }
    shown.textContent = count === total ? `${total} requirements` : `${count} of ${total} requirements`;
    nothing.hidden = count > 0;
  }

  function reveal() {
    const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (row && row.hidden) {
      tools.reset();
      apply();
      row.scrollIntoView();
    }
  }

  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", apply);
  tools.addEventListener("reset", () => setTimeout(apply));
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
  addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
