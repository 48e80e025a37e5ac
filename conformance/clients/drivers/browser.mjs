// Asks from a page in Chromium with `fetch`, and reads a stream as an EventSource would: fields, lines and blank lines.
import { chromium } from "playwright-core";
import { extra, run } from "./shared.mjs";

let page;

await run("browser", "playwright-core", async (task) => {
  page ??= await opened();
  const body = { model: task.model, messages: task.messages, ...extra(task), ...(task.streams ? { stream: true } : {}) };
  const ask = { url: `${task.baseURL}/chat/completions`, key: task.apiKey, body, wants: task.wants };
  const { failed, understood } = await page.evaluate(inPage, ask);
  if (failed) throw Object.assign(new Error(failed.message), failed);
  return understood;
});

async function opened() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium" });
  const tab = await browser.newPage();
  await tab.goto(`${process.env.CLIENT_BASE_URL}/`);
  return tab;
}

/** Runs in the page, which has nothing of this file. */
async function inPage({ url, key, body, wants }) {
  const [texts, reasons, calls] = [[], [], []];
  let usage = null;
  try {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) return { failed: { name: "HttpError", message: await response.text(), status: response.status } };
    if (body.stream) await readEvents(response.body.pipeThrough(new TextDecoderStream()).getReader());
    else readWhole(await response.json());
    const understood = { text: texts, finish_reason: reasons, tool_calls: calls.map((some) => some.map(callOf)), usage };
    return { understood: wants === "structured" ? { ...understood, parsed: JSON.parse(texts[0]) } : understood };
  } catch (error) {
    return { failed: { name: error.name, message: error.message } };
  }

  async function readEvents(reader) {
    let rest = "";
    let data = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // A carriage return at the end may be half of a line's end.
      const lines = (rest + value).split(/\r\n|\n|\r(?=[^])/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
        if (line !== "" || !data.length) continue;
        const event = data.join("\n");
        data = [];
        if (event === "[DONE]") return;
        readChunk(JSON.parse(event));
      }
    }
  }

  function readChunk(chunk) {
    usage = usageOf(chunk.usage) ?? usage;
    for (const { index, delta, finish_reason: reason } of chunk.choices) {
      texts[index] ??= null;
      calls[index] ??= [];
      if (typeof delta.content === "string") texts[index] = (texts[index] ?? "") + delta.content;
      for (const part of delta.tool_calls ?? []) {
        const known = calls[index][part.index];
        if (known) known.function.arguments += part.function.arguments;
        else calls[index][part.index] = part;
      }
      reasons[index] = reason ?? reasons[index] ?? null;
    }
  }

  function readWhole(completion) {
    usage = usageOf(completion.usage);
    for (const { index, message, finish_reason: reason } of completion.choices) {
      texts[index] = message.content;
      reasons[index] = reason;
      calls[index] = message.tool_calls ?? [];
    }
  }

  function usageOf(said) {
    if (!said) return null;
    const { prompt_tokens, completion_tokens, total_tokens } = said;
    return { prompt_tokens, completion_tokens, total_tokens };
  }

  function callOf(call) {
    return { id: call.id, name: call.function.name, arguments: call.function.arguments };
  }
}
