// Asks with a model of the AI SDK, and says what its results say, for the drivers of its providers.
import {
  extractJsonMiddleware,
  generateText,
  jsonSchema,
  Output,
  streamText,
  tool,
  wrapLanguageModel,
} from "ai";
import { chosen, PARAMETERS } from "./shared.mjs";

const HANDED_BACK = [
  { role: "user", content: "Set the city to Oslo." },
  {
    role: "assistant",
    content: [{ type: "tool-call", toolCallId: "call_1", toolName: "set_city", input: { city: "Oslo" } }],
  },
  {
    role: "tool",
    content: [
      { type: "tool-result", toolCallId: "call_1", toolName: "set_city", output: { type: "text", value: "done" } },
    ],
  },
];

/** What the result says; the AI SDK has no several choices. */
export async function asked(model, task) {
  if (task.wants === "choices") return null;
  const ask = { model, ...chosen(task.settings, "maxRetries") };
  if (task.settings.extractJson) ask.model = wrapLanguageModel({ model, middleware: extractJsonMiddleware() });
  if (task.wants === "second-turn") ask.messages = HANDED_BACK;
  else ask.prompt = "Say hello.";
  if (["tools", "second-turn"].includes(task.wants)) {
    ask.tools = { set_city: tool({ description: "Sets the city", inputSchema: jsonSchema(PARAMETERS) }) };
  }
  if (task.wants === "tools") ask.toolChoice = { type: "tool", toolName: "set_city" };
  if (task.wants === "structured") ask.output = Output.object({ schema: jsonSchema(task.schema) });
  return task.streams ? streamed(ask, task) : said(await generateText(ask), task);
}

async function streamed(ask, task) {
  // A stream of the AI SDK throws nothing: it tells its user of an error.
  const problems = [];
  const result = streamText({ ...ask, onError: ({ error }) => problems.push(error) });
  await result.consumeStream();
  if (problems.length) throw problems[0];
  const [text, finishReason, toolCalls, usage] = await Promise.all([
    result.text,
    result.finishReason,
    result.toolCalls,
    result.usage,
  ]);
  const output = task.wants === "structured" ? await result.output : undefined;
  return said({ text, finishReason, toolCalls, usage, output }, task);
}

function said(result, task) {
  const { inputTokens, outputTokens, totalTokens } = result.usage;
  const understood = {
    text: [result.text],
    finish_reason: [result.finishReason],
    tool_calls: [
      result.toolCalls.map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: call.input })),
    ],
    usage:
      inputTokens === undefined && outputTokens === undefined
        ? null
        : { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens },
  };
  return task.wants === "structured" ? { ...understood, parsed: result.output } : understood;
}
