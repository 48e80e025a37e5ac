// Shows the exchanges of a requirement on demand. Text of a target only ever becomes text nodes and data attributes.
(() => {
  const FIRST_EXCHANGES = 8;
  const { byId, number } = page;
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

  const count = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

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
  }

  // Opens an exchange below a requirement, and goes there.
  function openExchange(requirement, n) {
    page.reveal(requirement.id);
    fillRequirement(requirement);
    const find = () => requirement.querySelector(`.exchange[data-exchange="${n}"]`);
    if (!find()) requirement.querySelector(".more")?.click();
    const node = find();
    if (!node) return;
    node.open = true;
    node.querySelector("summary").focus({ preventScroll: true });
    node.scrollIntoView();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-exchange]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const requirement = link.closest(".requirement") || byId(decodeURIComponent(link.getAttribute("href").slice(1)));
    if (!requirement) return;
    event.preventDefault();
    page.write("pushState", { exchange: index[link.dataset.exchange][0] }, `#${requirement.id}`);
    openExchange(requirement, link.dataset.exchange);
  }, true);

  page.onRestore((query) => {
    const n = index.findIndex(([name]) => name === query.get("exchange"));
    if (n < 0) return;
    const place = byId(page.place());
    const shows = (node) => (node.dataset.exchanges || "").split(" ").includes(String(n));
    const requirement = place?.closest(".requirement") || [...document.querySelectorAll(".requirement")].find(shows);
    if (requirement) openExchange(requirement, n);
  });

  function exchangeNode(n) {
    const [name, summary, flagged] = index[n];
    const node = element("details", { class: "exchange", "data-exchange": n },
      element("summary", {}, element("span", { class: "name" }, name), element("span", { class: "muted" }, summary),
        flagged ? element("span", { class: "flag" }, "has findings") : null));
    node.addEventListener("toggle", () => {
      if (node.open && node.childElementCount === 1) node.append(exchangeBody(parse(`exchange-${n}`)));
    });
    node.querySelector("summary").addEventListener("click", () => {
      // Its address is that of the page while it is open: it survives a reload, and can be sent to somebody.
      page.write("replaceState", node.open ? {} : { exchange: name }, `#${node.closest(".requirement").id}`);
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
    const frame = element("div", { class: "traces", tabindex: "0", role: "group", "aria-label": "Wire trace" }, table);
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

  for (const node of document.querySelectorAll(".requirement")) {
    node.addEventListener("toggle", () => { if (node.open) fillRequirement(node); });
  }
})();
