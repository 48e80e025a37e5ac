"use strict";
// What the pages share: rows that can be filtered and folded, and addresses that lead back to what is shown.
const page = (() => {
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools");
  const search = byId("search");
  const restorers = [];
  const rows = [...document.querySelectorAll(".part .row")].map((node) => {
    const part = node.closest(".part");
    return { node, part, fold: node.closest("details.fold"), data: { ...part.dataset, ...node.dataset }, text: node.textContent.toLowerCase() };
  });
  const controls = tools ? [...tools.elements].filter((one) => one.name && one !== search) : [];
  const number = (value) => value.toLocaleString("en");

  // ---- filters ----------------------------------------------------------------------------------------------------

  // The chosen values by the name of their control; a row fits if it has one of each.
  function chosen() {
    const values = new Map();
    for (const one of controls) {
      if (one.type === "checkbox" ? !one.checked : !one.value) continue;
      values.set(one.name, [...(values.get(one.name) || []), one.value]);
    }
    return values;
  }

  const has = (said, value) => said === value || (said || "").split(" ").includes(value);

  function filter() {
    if (!tools) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const values = [...chosen()];
    const active = words.length > 0 || values.length > 0;
    const counts = new Map();
    let total = 0;
    for (const { node, part, fold, data, text } of rows) {
      const fits = values.every(([name, some]) => some.some((value) => has(data[name], value))) && words.every((word) => text.includes(word));
      node.hidden = !fits;
      total += fits;
      counts.set(part, (counts.get(part) || 0) + fits);
      if (fold) counts.set(fold, (counts.get(fold) || 0) + fits);
    }
    for (const part of document.querySelectorAll(".part, details.fold")) {
      if (!counts.has(part)) continue;
      part.hidden = !counts.get(part);
      const shown = part.querySelector("[data-count]");
      if (shown) shown.textContent = number(counts.get(part));
      if (part.matches("details.fold")) unfold(part, active);
    }
    byId("nothing").hidden = total > 0 || !rows.length;
    const noun = tools.dataset.noun || "requirement";
    byId("shown").textContent = total === rows.length ? `${number(total)} ${noun}${total === 1 ? "" : "s"}` : `${number(total)} of ${number(rows.length)}`;
  }

  // A filter opens what it found; without one, folds are as the reader left them.
  function unfold(fold, active) {
    if (active && !("before" in fold.dataset)) {
      fold.dataset.before = fold.open;
      fold.open = true;
    } else if (!active && "before" in fold.dataset) {
      fold.open = fold.dataset.before === "true";
      delete fold.dataset.before;
    }
  }

  // ---- addresses --------------------------------------------------------------------------------------------------

  // The address of what is shown: filters in its query, the place in its fragment.
  function address(extra, hash) {
    const query = new URLSearchParams();
    if (tools && search.value.trim()) query.set("q", search.value.trim());
    for (const [name, values] of chosen()) for (const value of values) query.append(name, value);
    for (const [name, value] of Object.entries(extra)) if (value) query.set(name, value);
    const text = query.toString();
    return `${location.pathname}${text ? `?${text}` : ""}${hash}`;
  }

  // A page in a frame without rights of its own may not change its address; everything else works there, too.
  function write(method, extra = {}, hash = location.hash) {
    try {
      history[method](null, "", address(extra, hash));
      return true;
    } catch {
      return false;
    }
  }

  function read() {
    const query = new URLSearchParams(location.search);
    if (tools) {
      search.value = query.get("q") || "";
      for (const one of controls) {
        const values = query.getAll(one.name);
        if (one.type === "checkbox") one.checked = values.includes(one.value);
        else one.value = [...one.options].some((option) => option.value === values[0]) ? values[0] : "";
      }
    }
    filter();
    return query;
  }

  function place() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return "";
    }
  }

  function clear() {
    tools.reset();
    filter();
  }

  // Opens what an id names, with all that it is folded into, and goes there.
  function reveal(id) {
    const target = id && byId(id);
    if (!target) return false;
    if (tools && target.closest(".row[hidden], .part[hidden]")) {
      clear();
      write("replaceState");
    }
    for (let node = target; node; node = node.parentElement) if (node.matches("details")) node.open = true;
    for (const node of document.querySelectorAll(".here")) node.classList.remove("here");
    target.classList.add("here");
    const inner = target.querySelector(target.matches("details") ? "summary" : "a.anchor");
    if (!inner) target.tabIndex = -1;
    (inner || target).focus({ preventScroll: true });
    // The toolbar covers what is below it, and is as high as it needs to be.
    if (tools && getComputedStyle(tools).position === "sticky") document.documentElement.style.scrollPaddingTop = `${tools.offsetHeight + 12}px`;
    target.scrollIntoView();
    return true;
  }

  function restore() {
    const query = read();
    reveal(place());
    for (const one of restorers) one(query);
  }

  // ---- events -----------------------------------------------------------------------------------------------------

  if (tools) {
    let waiting = 0;
    const changed = () => {
      filter();
      write("replaceState");
    };
    search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(changed, 80);
    });
    tools.addEventListener("change", changed);
    tools.addEventListener("submit", (event) => event.preventDefault());
    tools.addEventListener("reset", () => setTimeout(changed));
    tools.hidden = false;
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, select, textarea")) {
        event.preventDefault();
        search.focus();
      }
    });
  }
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const href = event.target.closest("a[href^='#']")?.getAttribute("href");
    if (!href) return;
    // A second click on the link to the current place adds nothing to the history, but leads there as well.
    if (href !== location.hash && !write("pushState", {}, href)) return;
    event.preventDefault();
    reveal(place());
  });
  addEventListener("popstate", restore);
  addEventListener("hashchange", restore);
  // In print, everything that is folded can be read. The style sees to it where it can.
  const opened = [];
  if (!CSS.supports("selector(::details-content)")) {
    addEventListener("beforeprint", () => {
      for (const node of document.querySelectorAll("details.fold:not([open]), details.more:not([open]), .row[data-print]:not([open])")) {
        node.open = true;
        opened.push(node);
      }
    });
    addEventListener("afterprint", () => {
      for (const node of opened.splice(0)) node.open = false;
    });
  }
  // When the rest of the script has run; and again once the page has loaded, since the browser then scrolls by itself.
  setTimeout(restore);
  if (document.readyState !== "complete") addEventListener("load", () => setTimeout(restore));

  return { byId, number, place, reveal, write, onRestore: (restorer) => restorers.push(restorer) };
})();
