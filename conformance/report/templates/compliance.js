"use strict";
// Filters the requirements and shows their exchanges on demand. Text of a target only ever becomes text nodes and data attributes.
(() => {
  const FIRST_EXCHANGES = 8;
  const byId = (id) => document.getElementById(id);
  const parse = (id) => JSON.parse(byId(id).textContent);
  const index = parse("exchange-index");

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "class") made.className = value;
      else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  const number = (value) => value.toLocaleString("en");
  const count = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

  // ---- filters ----------------------------------------------------------------------------------------------------

  const tools = byId("tools");
  const search = byId("search");
  const shown = byId("shown");
  const rows = [...document.querySelectorAll(".requirement")].map((node) => ({
    node,
    outcome: node.dataset.outcome,
    level: node.dataset.level,
    section: node.parentElement.dataset.section,
    text: node.textContent.toLowerCase(),
  }));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set([...tools.querySelectorAll("[name=outcome]:checked")].map((box) => box.value));
    const level = byId("level").value;
    const section = byId("section").value;
    const bySection = new Map();
    let total = 0;
    for (const row of rows) {
      const fits = (!outcomes.size || outcomes.has(row.outcome)) && (!level || row.level === level)
        && (!section || row.section === section) && words.every((word) => row.text.includes(word));
      row.node.hidden = !fits;
      total += fits;
      bySection.set(row.section, (bySection.get(row.section) || 0) + fits);
    }
    for (const part of document.querySelectorAll(".part")) {
      const visible = bySection.get(part.dataset.section) || 0;
      part.hidden = !visible;
      part.querySelector("h3 .muted").textContent = visible;
    }
    byId("nothing").hidden = total > 0 || !rows.length;
    shown.textContent = total === rows.length ? count(total, "requirement") : `${number(total)} of ${number(rows.length)}`;
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

  // ---- deep links -------------------------------------------------------------------------------------------------

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
    // A second click on the same link does not change the hash, but should go there all the same.
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) setTimeout(follow);
  });

  // ---- exchanges --------------------------------------------------------------------------------------------------

  function fillRequirement(requirement) {
    if (requirement.dataset.filled) return;
    requirement.dataset.filled = "yes";
    const numbers = (requirement.dataset.exchanges || "").split(" ").filter(Boolean).map(Number);
    if (!numbers.length) return;
    const list = element("div", { class: "exchanges" });
    const show = (some) => list.append(...some.map(exchangeNode));
    show(numbers.slice(0, FIRST_EXCHANGES));
    requirement.querySelector(".body").append(list);
    if (numbers.length > FIRST_EXCHANGES) {
      const more = element("button", { type: "button", class: "more" }, `Show ${count(numbers.length - FIRST_EXCHANGES, "more exchange")}`);
      more.addEventListener("click", () => {
        more.remove();
        show(numbers.slice(FIRST_EXCHANGES));
      });
      requirement.querySelector(".body").append(more);
    }
    for (const place of requirement.querySelectorAll("span.goto")) {
      const button = element("button", { type: "button", class: "goto" }, place.textContent);
      button.addEventListener("click", () => openExchange(requirement, place.dataset.exchange));
      place.replaceWith(button);
    }
  }

  function openExchange(requirement, n) {
    let node = requirement.querySelector(`.exchange[data-exchange="${n}"]`);
    if (!node) {
      requirement.querySelector(".more")?.click();
      node = requirement.querySelector(`.exchange[data-exchange="${n}"]`);
    }
    node.open = true;
    node.querySelector("summary").focus({ preventScroll: true });
    node.scrollIntoView();
  }

  function exchangeNode(n) {
    const [name, summary, flagged] = index[n];
    const node = element("details", { class: "exchange", "data-exchange": n },
      element("summary", {}, element("span", { class: "name" }, name), element("span", { class: "muted" }, summary),
        flagged ? element("span", { class: "flag" }, "has findings") : null));
    node.addEventListener("toggle", () => {
      if (node.open && node.childElementCount === 1) node.append(exchangeBody(parse(`exchange-${n}`)));
    });
    return node;
  }

  function exchangeBody(view) {
    const body = element("div", {}, ...requestPart(view));
    if (view.stream) body.append(...streamPart(view));
    body.append(...answerPart(view));
    if (view.redactions.length) {
      body.append(element("p", { class: "muted" }, `Secrets were replaced: ${view.redactions.join("; ")}.`));
    }
    return body;
  }

  function requestPart(view) {
    const heading = element("h4", {}, "Request", element("small", {}, `${view.request.line.split(" ")[0]}, ${number(view.request.size)} bytes of body, sent ${view.started}`));
    if (view.curl === null) return [heading, element("p", { class: "muted" }, "The request is too long, or has characters that cannot be shown; it is in the evidence next to this page."), headersTable(view.request.headers)];
    const command = element("pre", { tabindex: "0", role: "group", "aria-label": "curl command" }, view.curl);
    heading.append(copyButton(view.curl, command));
    return [heading, command];
  }

  function copyButton(text, source) {
    // A request that curl cannot send is a small program.
    const label = /(^|\s)curl /.test(text) ? "Copy curl" : "Copy program";
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", async () => {
      let copied = false;
      try {
        await navigator.clipboard.writeText(text);
        copied = true;
      } catch {
        // Browsers deny the clipboard to pages from a file: select the text instead, ready to be copied.
        const range = document.createRange();
        range.selectNodeContents(source);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        copied = document.execCommand("copy");
      }
      button.textContent = copied ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = label; }, 1600);
    });
    return button;
  }

  function headersTable(headers) {
    const lines = headers.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
    return element("table", { class: "headers" }, element("tbody", {}, ...lines));
  }

  function answerPart(view) {
    const ending = view.ending.kind === "complete" ? `complete after ${view.ending.ms} ms` : `ended: ${view.ending.kind}${view.ending.detail ? ` (${view.ending.detail})` : ""} after ${view.ending.ms} ms`;
    const answer = view.answer;
    if (!answer) return [element("h4", {}, "No answer", element("small", {}, ending))];
    const nodes = [
      element("h4", {}, answer.line, element("small", {}, `headers after ${answer.headers_ms} ms, ${ending}`)),
      headersTable(answer.headers),
    ];
    if (!answer.size) return [...nodes, element("p", { class: "muted" }, "The body is empty.")];
    const pre = element("pre", { tabindex: "0", role: "group", "aria-label": "Response body" });
    for (const part of answer.parts) {
      if (part.omitted) pre.append(element("span", { class: "omitted" }, `… ${number(part.omitted)} bytes left out …`));
      else if ("mark" in part) pre.append(element("mark", { title: `byte ${number(part.mark)}` }, part.text || "⟨end of body⟩"));
      else pre.append(part.text);
    }
    nodes.push(element("h4", {}, "Body", element("small", {}, `${number(answer.size)} bytes${answer.binary ? ", not text" : ""}`)), pre);
    return nodes;
  }

  // ---- streams ----------------------------------------------------------------------------------------------------

  function streamPart(view) {
    const stream = view.stream;
    const heading = element("h4", {}, "Event timeline", element("small", {}, arrivalWords(view)));
    const lines = stream.rows.map((row) => row.omitted
      ? element("tr", { class: "gap" }, element("td", { colspan: "3" }, `… ${count(row.omitted, "row")} left out …`))
      : element("tr", row.note ? { class: "bad" } : {}, element("td", { class: "num" }, row.ms.toFixed(1)),
        element("td", { class: "num" }, number(row.offset)), element("td", {}, row.text, row.note ? element("span", { class: "note" }, row.note) : null)));
    const table = element("table", { class: "trace" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col", class: "num" }, "ms"), element("th", { scope: "col", class: "num" }, "byte"), element("th", { scope: "col" }, "event"))),
      element("tbody", {}, ...lines));
    const frame = element("div", { class: "traces", tabindex: "0", role: "region", "aria-label": "Wire trace" }, table);
    return stream.arrivals.length ? [heading, chart(view), frame] : [heading, frame];
  }

  function arrivalWords(view) {
    const times = view.stream.rows.filter((row) => !row.omitted).map((row) => row.ms);
    if (!times.length) return "nothing arrived";
    return `${count(view.stream.count, "row")}, the first after ${times[0]} ms, the last after ${times[times.length - 1]} ms`;
  }

  function svg(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // The body received over time, and below it one tick for each row of the timeline; its width follows the page's.
  function chart(view) {
    const width = 1000, top = 4, base = 78, foot = 100;
    const points = view.stream.arrivals;
    const end = Math.max(view.ending.ms, points[points.length - 1][0], 1);
    const most = Math.max(points[points.length - 1][1], 1);
    const x = (ms) => ((ms / end) * (width - 2) + 1).toFixed(1);
    const y = (bytes) => (base - (bytes / most) * (base - top)).toFixed(1);
    let path = `M${x(0)} ${base}`;
    for (const [ms, bytes] of points) path += `H${x(ms)}V${y(bytes)}`;
    path += `H${x(end)}`;
    const made = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${foot}`, preserveAspectRatio: "none", role: "img", "aria-label": `Arrival of the body over time: ${arrivalWords(view)}; ended after ${end} ms` });
    made.append(
      svg("path", { class: "fill", d: `${path}V${base}Z` }), svg("path", { class: "line", d: path }),
      svg("line", { class: "axis", x1: 0, x2: width, y1: base, y2: base }));
    for (const row of view.stream.rows) {
      if (!row.omitted) made.append(svg("line", { class: row.note ? "tick bad" : "tick", x1: x(row.ms), x2: x(row.ms), y1: base + 5, y2: row.note ? foot : foot - 8 }));
    }
    return element("div", {}, made, element("p", { class: "scale" }, element("span", {}, "0 ms"),
      element("span", {}, `${number(points[points.length - 1][1])} bytes received`), element("span", {}, `${number(end)} ms`)));
  }

  // ---- what is open -----------------------------------------------------------------------------------------------

  for (const { node } of rows) {
    node.addEventListener("toggle", () => { if (node.open) fillRequirement(node); });
  }
  addEventListener("beforeprint", () => {
    for (const { node, outcome } of rows) if (outcome === "failed" || outcome === "warning") node.open = true;
  });
  follow();
  // Once the page has loaded, the browser scrolls to the fragment itself and takes the focus away.
  if (document.readyState !== "complete") addEventListener("load", () => setTimeout(follow));
})();
