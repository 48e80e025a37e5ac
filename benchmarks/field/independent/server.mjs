// An independent deployment on Node's http module: slow, and spread over lines.
//
// Written from the two API documents and the OpenAI reference alone; it shares no code with this project. Its manners,
// all allowed: credentials are judged before bodies, routes in any letter case; four bytes are a token, so that a token
// may end within a character, which is then held back; a tool message is refused that answers no call; several limits
// at once are refused; a stream begins with a chunk of filter results that has no choices, sends one choice after the
// other, spreads each JSON text over several data lines, beats while it thinks, and pads its chunks.
//
//     node benchmarks/field/independent/server.mjs openai|kodexa|loop-health [--port N] [--manner NAME]
//
// A further manner, for loop-health: `own-events` streams events of its own kind, for the document does not say what the events
// of a stream carry. It earns warnings and no failure.

import { createServer } from "node:http";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const DEMO_KEY = "demo-key-of-the-chat-conformance-reference-deployment";
const OTHER_KEY = "demo-key-of-the-second-tenant-of-the-reference-deployment";
const MEMBERS = new Map([
  ["6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11", DEMO_KEY],
  ["b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22", OTHER_KEY],
]);
const LOOP_MODELS = ["claude-sonnet-4-6", "gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "gpt-3.5-turbo"];
const PHRASES = ["Perhaps ", "the überraschung ", "waits\n", "in 東京, ", "not in\tParis; ", "👩‍🚀 ", "7 of 9 ", "agree. "];
const LARGEST_BODY = 512 * 1024;
const LARGEST_PROMPT = 20_000;

const profile = process.argv[2];
const option = (name, otherwise) => {
  const place = process.argv.indexOf(name);
  return place < 0 ? otherwise : process.argv[place + 1];
};
const port = Number(option("--port", 0));
const manner = option("--manner", "plain");
let served = 0;

class Refused extends Error {
  constructor(status, message, param = null, code = null) {
    super(message);
    Object.assign(this, { status, param, code });
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value) => typeof value === "string";
const isBoolean = (value) => typeof value === "boolean";
const between = (low, high) => (value) => typeof value === "number" && value >= low && value <= high;
const whole = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;
const orNull = (rule) => (value) => value === null || rule(value);
const given = (value) => isString(value) && value.length > 0;
const strings = (value) => Array.isArray(value) && value.length > 0 && value.length < 5 && value.every(isString);

const RULES = {
  openai: {
    model: isString,
    temperature: orNull(between(0, 2)),
    top_p: orNull(between(0, 1)),
    n: orNull(whole(1, 128)),
    stop: orNull((value) => isString(value) || strings(value)),
    max_tokens: orNull(whole(1, Infinity)),
    max_completion_tokens: orNull(whole(1, Infinity)),
    stream: orNull(isBoolean),
    stream_options: orNull((value) => isObject(value) && (value.include_usage === undefined || isBoolean(value.include_usage))),
    presence_penalty: orNull(between(-2, 2)),
    frequency_penalty: orNull(between(-2, 2)),
    seed: orNull(whole(-Infinity, Infinity)),
    user: isString,
    logprobs: orNull(isBoolean),
    top_logprobs: whole(0, 20),
  },
  kodexa: {
    model: isString,
    temperature: between(0, 2),
    top_p: between(0, 1),
    n: whole(1, 128),
    stop: strings,
    max_tokens: whole(1, Infinity),
    stream: isBoolean,
  },
  "loop-health": {
    model: (value) => LOOP_MODELS.includes(value),
    temperature: between(0, 2),
    max_tokens: whole(1, Infinity),
    stream: isBoolean,
    brand_id: given,
    requested_by: given,
  },
};
const REQUIRED = { openai: ["model"], kodexa: ["model"], "loop-health": ["brand_id", "requested_by"] };
const ROLES = { "loop-health": ["system", "user", "assistant"] };

// What is not had here; a null asks for nothing of it.
const NOT_HAD = [
  "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format", "reasoning_effort",
  "modalities", "audio", "prediction", "verbosity", "logit_bias", "web_search_options",
];

function refuseWhatIsNotHad(asked) {
  const harmless = (name) => asked[name] == null || (name === "response_format" && asked[name].type === "text");
  const name = NOT_HAD.find((one) => !harmless(one));
  if (name) throw new Refused(400, `${name} is not supported by this server`, name, "unsupported_parameter");
}

function textOf(content) {
  if (isString(content)) return content;
  if (profile !== "openai" || !Array.isArray(content) || content.length === 0) return null;
  const good = content.every((part) => isObject(part) && part.type === "text" && isString(part.text));
  return good ? content.map((part) => part.text).join("") : null;
}

function check(asked) {
  if (profile === "openai") refuseWhatIsNotHad(asked);
  for (const name of REQUIRED[profile]) if (!(name in asked)) throw new Refused(400, `${name} is required`, name);
  for (const [name, rule] of Object.entries(RULES[profile])) {
    if (name in asked && !rule(asked[name])) throw new Refused(400, `${name} is not as documented`, name);
  }
  if (!Array.isArray(asked.messages) || asked.messages.length === 0) throw new Refused(400, "messages are required", "messages");
  const roles = ROLES[profile] ?? ["developer", "system", "user", "assistant", "tool"];
  for (const message of asked.messages) {
    if (!isObject(message) || !roles.includes(message.role) || textOf(message.content) === null) {
      throw new Refused(400, "each message needs a role and a content", "messages");
    }
    for (const name of ["name", "tool_call_id"]) {
      if (profile === "openai" && name in message && !isString(message[name])) throw new Refused(400, `${name} is no string`, "messages");
    }
    if (message.role === "tool") {
      const words = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'";
      throw new Refused(400, words, "messages");
    }
  }
  if (asked.max_tokens != null && asked.max_completion_tokens != null) {
    throw new Refused(400, "max_tokens and max_completion_tokens cannot both be set", "max_tokens");
  }
  if (profile !== "loop-health" && asked.model !== "reference-echo") {
    throw new Refused(404, "The model is not known here", "model", "model_not_found");
  }
  if (promptTokens(asked) > LARGEST_PROMPT) throw new Refused(400, "The prompt is too long", "messages", "context_length_exceeded");
}

const bytes = (text) => Buffer.byteLength(text, "utf8");
const promptTokens = (asked) => asked.messages.reduce((sum, one) => sum + 3 + Math.ceil(bytes(textOf(one.content)) / 4), 3);

function tokensOf(text) {
  const all = Buffer.from(text, "utf8");
  return Array.from({ length: Math.ceil(all.length / 4) }, (_, place) => all.subarray(place * 4, place * 4 + 4));
}

function choice(asked, index) {
  const limit = asked.max_tokens ?? asked.max_completion_tokens ?? Infinity;
  let text = Array.from({ length: 4 + Math.floor(Math.random() * 6) }, () => PHRASES[Math.floor(Math.random() * PHRASES.length)]).join("");
  let tokens = tokensOf(text);
  let finish = tokens.length > limit ? "length" : "stop";
  tokens = tokens.slice(0, limit);
  text = new TextDecoder().decode(Buffer.concat(tokens), { stream: true }); // what is cut within a character is left out
  const stops = isString(asked.stop) ? [asked.stop] : (asked.stop ?? []);
  const cuts = stops.map((one) => (one === "" ? -1 : text.indexOf(one))).filter((place) => place >= 0);
  if (cuts.length > 0) {
    text = text.slice(0, Math.min(...cuts));
    tokens = tokensOf(text);
    finish = "stop";
  }
  return { index, text, tokens, finish };
}

function logprobs(asked, tokens) {
  if (!asked.logprobs) return null;
  const entry = (token, logprob) => ({ token: new TextDecoder().decode(token), logprob, bytes: [...token] });
  const likeliest = Array.from({ length: asked.top_logprobs ?? 0 }, (_, place) => entry(Buffer.from(`w${place}`), -1 - place / 2));
  const others = () => likeliest;
  return { content: tokens.map((token) => ({ ...entry(token, -9 - Math.random()), top_logprobs: others() })), refusal: null };
}

function completionFor(asked) {
  const choices = Array.from({ length: asked.n ?? 1 }, (_, index) => choice(asked, index));
  const prompt = promptTokens(asked);
  const spent = choices.reduce((sum, one) => sum + one.tokens.length, 0);
  const usage = { prompt_tokens: prompt, completion_tokens: spent, total_tokens: prompt + spent };
  served += 1;
  const head = { id: `${process.pid}-${served}`, created: Math.floor(Date.now() / 1000), model: asked.model ?? LOOP_MODELS[0] };
  return { head, choices, usage };
}

function whole200(asked, { head, choices, usage }) {
  const listed = choices.map((one) => ({
    index: one.index,
    message: { role: "assistant", content: one.text, refusal: null },
    logprobs: logprobs(asked, one.tokens),
    finish_reason: one.finish,
  }));
  const kind = profile === "loop-health" ? {} : { object: "chat.completion", created: head.created };
  return { id: head.id, ...kind, model: head.model, choices: listed, usage: { ...usage, prompt_tokens_details: { cached_tokens: 0 } } };
}

function* chunks(asked, { head, choices, usage }) {
  const base = { ...head, object: "chat.completion.chunk", system_fingerprint: null };
  const chunk = (index, delta, finish, tokens) => ({
    ...base,
    choices: [{ index, delta, finish_reason: finish, logprobs: tokens ? logprobs(asked, tokens) : null }],
    obfuscation: randomBytes(Math.floor(Math.random() * 9)).toString("hex"),
  });
  if (profile !== "loop-health") yield { ...base, choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] };
  for (const one of choices) {
    yield chunk(one.index, { role: "assistant", content: "" }, null);
    const decoder = new TextDecoder();
    for (const token of one.tokens) yield chunk(one.index, { content: decoder.decode(token, { stream: true }) }, null, [token]);
    yield chunk(one.index, {}, one.finish);
  }
  if (asked.stream_options?.include_usage) yield { ...base, choices: [], usage };
}

async function stream(asked, answer, completion) {
  answer.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" });
  answer.write(": thinking\n\n");
  await pause(15);
  if (manner === "own-events") {
    for (const token of completion.choices[0].text.split(" ")) {
      answer.write(`event: word\ndata: ${JSON.stringify({ text: `${token} ` })}\n\n`);
      await pause(3);
    }
    answer.end("event: end\ndata: {}\n\n");
    return;
  }
  for (const chunk of chunks(asked, completion)) {
    if (answer.destroyed) return;
    const lines = JSON.stringify(chunk, null, 1).split("\n");
    answer.write(`event: message\n${lines.map((line) => `data: ${line}\n`).join("")}\n`);
    if (Math.random() < 0.2) answer.write(":\n\n");
    await pause(2);
  }
  answer.end("data: [DONE]\n\n");
}

const same = (left, right) => {
  const [one, two] = [left, right].map((text) => createHash("sha256").update(text).digest());
  return timingSafeEqual(one, two);
};

function admit(request) {
  const path = request.url.split("?")[0].toLowerCase();
  const organization = path.match(/^\/api\/organizations\/([^/]*)\/ai\/chat\/completions$/)?.[1];
  if (profile === "kodexa" ? organization === undefined : path !== "/v1/chat/completions") {
    throw new Refused(404, "There is nothing here", null, "not_found");
  }
  const authorization = request.headers.authorization ?? "";
  const key = profile === "kodexa" ? (request.headers["x-api-key"] ?? "") : (authorization.match(/^bearer +(.*)$/i)?.[1] ?? "");
  if (!same(key, DEMO_KEY) && !same(key, OTHER_KEY)) throw new Refused(401, "A valid key is required", null, "invalid_api_key");
  if (request.method !== "POST") throw new Refused(405, "Use POST", null, "method_not_allowed");
  if (profile === "kodexa" && !same(MEMBERS.get(organization) ?? "", key)) {
    throw new Refused(403, "You are no member of such an organization", "orgId", "forbidden");
  }
  if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
    throw new Refused(415, "The body must be application/json", null, "unsupported_media_type");
  }
}

async function bodyOf(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size <= LARGEST_BODY) parts.push(part);
  }
  if (size > LARGEST_BODY) throw new Refused(413, "The body is too large", null, "body_too_large");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts)));
  } catch {
    throw new Refused(400, "The body is no JSON in UTF-8");
  }
}

function refuse(answer, refused) {
  const { status, message, param, code } = refused;
  const error = { message, type: status === 401 ? "authentication_error" : "invalid_request_error", param, code };
  const body = profile === "loop-health" ? { error: code ?? "invalid_input", message } : { error };
  const headers = { "Content-Type": "application/json", "X-Request-Id": randomBytes(6).toString("hex") };
  if (status === 401) headers["WWW-Authenticate"] = profile === "kodexa" ? "ApiKey" : 'Bearer realm="api", error="invalid_token"';
  if (status === 405) headers.Allow = "POST";
  answer.writeHead(status, headers);
  answer.end(JSON.stringify(body));
}

const server = createServer(async (request, answer) => {
  try {
    admit(request);
    const asked = await bodyOf(request);
    if (!isObject(asked)) throw new Refused(400, "The body must be an object");
    check(asked);
    answer.setHeader("X-Request-Id", randomBytes(6).toString("hex"));
    const completion = completionFor(asked);
    if (asked.stream === true) {
      await stream(asked, answer, completion);
      return;
    }
    await pause(20);
    const body = JSON.stringify(whole200(asked, completion));
    answer.writeHead(200, { "Content-Type": "application/json" });
    answer.write(body.slice(0, 20));
    answer.end(body.slice(20));
  } catch (problem) {
    if (problem instanceof Refused) {
      request.resume();
      refuse(answer, problem);
    } else if (!request.destroyed) throw problem;
  }
});
server.listen(port, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
