// What the Node drivers share: reads what to do, and prints a line of JSON for each scenario.
// It needs nothing but Node, and says nothing about what a client understood.
import { createRequire } from "node:module";
import { readFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";

const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
export const PARAMETERS = CITY;
export const TOOLS = [
  { type: "function", function: { name: "set_city", description: "Sets the city", parameters: CITY } },
];
export const DEMAND = { type: "function", function: { name: "set_city" } };
const QUESTION = [{ role: "user", content: "Say hello." }];
const CALL = { id: "call_1", type: "function", function: { name: "set_city", arguments: '{"city": "Oslo"}' } };
const HANDED_BACK = [
  { role: "user", content: "Set the city to Oslo." },
  { role: "assistant", content: null, tool_calls: [CALL] },
  { role: "tool", tool_call_id: "call_1", content: "done" },
];
const MOST_OF_A_MESSAGE = 4000;

// A client that prints must not print between the lines.
console.log = console.info = console.warn = console.debug = console.error;

/** Prints what the client is, and for each scenario what it understood or how it failed.
 *  `understand` gives null for a scenario that the client does not have. */
export async function run(client, packageName, understand) {
  print({ client, version: versionOf(packageName) });
  const settings = JSON.parse(process.argv[2]);
  for (const scenario of process.argv.slice(3)) {
    try {
      const understood = await understand(taskOf(scenario, settings));
      print({ scenario, ...(understood === null ? { unsupported: true } : { understood }) });
    } catch (error) {
      print({ scenario, failed: failedOf(error) });
    }
  }
  process.exit(0);
}

/** The fields beside model and messages, in the form of the wire. */
export function extra({ wants, schema }) {
  if (wants === "choices") return { n: 2 };
  if (wants === "usage") return { stream_options: { include_usage: true } };
  if (wants === "tools") return { tools: TOOLS, tool_choice: DEMAND };
  if (wants === "second-turn") return { tools: TOOLS };
  if (wants !== "structured") return {};
  return { response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } };
}

/** Those of the settings that have one of the names. */
export function chosen(settings, ...names) {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)));
}

function taskOf(scenario, settings) {
  const slash = scenario.lastIndexOf("/") + 1;
  const [before, name] = [scenario.slice(0, slash), scenario.slice(slash)];
  let asked = name;
  // Who asks without a stream, or without usage, is answered as others are who ask like that.
  if (settings.stream === false) {
    asked = asked.replace(/^(stream|stream-usage)$/, "completion").replace(/^stream-/, "");
  }
  if (settings.include_usage === false && asked === "stream-usage") asked = "stream";
  const kind = asked.replace(/^stream-error-.*/, "stream").replace(/^error-.*/, "completion");
  const wants = kind.replace(/^stream-?/, "") || "completion";
  return {
    kind,
    wants,
    streams: kind.startsWith("stream"),
    settings,
    messages: wants === "second-turn" ? HANDED_BACK : QUESTION,
    baseURL: `${process.env.CLIENT_BASE_URL}/${before}${asked}/v1`,
    apiKey: process.env.CLIENT_API_KEY,
    model: process.env.CLIENT_MODEL,
    schema: JSON.parse(process.env.CLIENT_SCHEMA || '{"type": "object"}'),
  };
}

function failedOf(error) {
  const failed = named(error);
  const status = [error?.status, error?.statusCode, error?.lastError?.statusCode].find(Number.isInteger);
  if (status !== undefined) failed.status = status;
  // A status that is an error says enough.
  if (status >= 400) return failed;
  const causes = [];
  for (let cause = error?.cause ?? error?.lastError; cause && causes.length < 3; cause = cause.cause) {
    causes.push(named(cause));
  }
  return causes.length ? { ...failed, causes } : failed;
}

function named(error) {
  const name = error?.constructor?.name ?? typeof error;
  const kept = error?.name && error.name !== "Error" ? error.name : name;
  return { class: kept, message: String(error?.message ?? JSON.stringify(error) ?? error).slice(0, MOST_OF_A_MESSAGE) };
}

function versionOf(packageName) {
  // A package may hide its package.json; it lies beside one of the folders above the package's entry.
  const entry = createRequire(import.meta.url).resolve(packageName);
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (about.name === packageName && about.version) return about.version;
    } catch {
      // Not in this folder.
    }
  }
  return "unknown";
}

function print(line) {
  // Written at once, so that a crash takes no line with it.
  writeSync(1, JSON.stringify(line) + "\n");
}
