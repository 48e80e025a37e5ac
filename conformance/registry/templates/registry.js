// The order of the first page's rows: by the heads of its columns, or by the list in the toolbar.
(() => {
  const choice = page.byId("sort");
  const body = document.querySelector("table.sorted tbody");
  if (!choice || !body) return;
  const rows = [...body.rows];
  const verdicts = ["conformant", "inconclusive", "nonconformant"];
  const compare = {
    "": () => 0,
    failing: (one, other) => verdicts.indexOf(other.dataset.verdict) - verdicts.indexOf(one.dataset.verdict),
    vendor: (one, other) => one.dataset.vendor.localeCompare(other.dataset.vendor),
    since: (one, other) => other.dataset.since.localeCompare(one.dataset.since),
    judged: (one, other) => other.dataset.judged.localeCompare(one.dataset.judged),
    broken: (one, other) => other.dataset.broken - one.dataset.broken,
  };
  const heads = [...document.querySelectorAll("table.sorted thead th[data-by]")];
  const of = { verdict: ["", "failing"], vendor: ["vendor"], since: ["since"], broken: ["broken"] };

  function order() {
    const by = compare[choice.value] ? choice.value : "";
    body.append(...rows.toSorted(compare[by]));
    for (const head of heads) {
      const mine = of[head.dataset.by].includes(by);
      if (mine) head.setAttribute("aria-sort", by === "vendor" || by === "" ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  }

  for (const head of heads) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const mine = of[head.dataset.by];
      choice.value = mine[(mine.indexOf(choice.value) + 1) % mine.length];
      choice.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
  choice.addEventListener("change", order);
  choice.form.addEventListener("reset", () => setTimeout(order));
  page.onRestore(order);
})();
