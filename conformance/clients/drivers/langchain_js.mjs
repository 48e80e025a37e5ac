// Asks with LangChain's ChatOpenAI for JavaScript, and adds up streams as LangChain's users do.
import { ChatOpenAI } from "@langchain/openai";
import { chosen, run, TOOLS } from "./shared.mjs";

await run("langchain-js", "@langchain/openai", async (task) => {
  if (task.wants === "choices") return null;
  const model = new ChatOpenAI({
    model: task.model,
    apiKey: task.apiKey,
    configuration: { baseURL: task.baseURL },
    ...chosen(task.settings, "maxRetries", "streamUsage", "streaming"),
  });
  if (task.wants === "structured") return structured(model, task);
  const demand = task.wants === "tools" ? { tool_choice: "set_city" } : {};
  const runnable = ["tools", "second-turn"].includes(task.wants) ? model.bindTools(TOOLS, demand) : model;
  if (!task.streams) return said(await runnable.invoke(task.messages));
  let message;
  for await (const chunk of await runnable.stream(task.messages)) {
    message = message === undefined ? chunk : message.concat(chunk);
  }
  return message === undefined ? { text: [], finish_reason: [], tool_calls: [], usage: null } : said(message);
});

async function structured(model, task) {
  const schema = { title: "answer", ...task.schema };
  const runnable = model.withStructuredOutput(schema, { name: "answer", method: "jsonSchema", includeRaw: true });
  if (!task.streams) {
    const { raw, parsed } = await runnable.invoke(task.messages);
    return { ...said(raw), parsed };
  }
  let parsed = null;
  for await (const part of await runnable.stream(task.messages)) parsed = part.parsed ?? parsed;
  return { parsed };
}

function said(message) {
  const usage = message.usage_metadata;
  const calls = [...(message.tool_calls ?? []), ...(message.invalid_tool_calls ?? [])];
  return {
    text: [message.content],
    finish_reason: [message.response_metadata.finish_reason ?? null],
    tool_calls: [calls.map(({ id, name, args }) => ({ id, name, arguments: args }))],
    usage: usage
      ? {
          prompt_tokens: usage.input_tokens,
          completion_tokens: usage.output_tokens,
          total_tokens: usage.total_tokens,
        }
      : null,
  };
}
