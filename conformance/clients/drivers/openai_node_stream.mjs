// Asks with OpenAI's client for Node, which puts streams together with its own helper.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { putTogether, whole } from "./openai_objects.mjs";
import { chosen, extra, run } from "./shared.mjs";

await run("openai-node-stream", "openai", async (task) => {
  if (!task.streams) return null;
  const client = new OpenAI({ baseURL: task.baseURL, apiKey: task.apiKey, ...chosen(task.settings, "maxRetries") });
  const ask = { model: task.model, messages: task.messages, ...extra(task) };
  if (task.wants === "structured") ask.response_format = zodResponseFormat(z.fromJSONSchema(task.schema), "answer");
  if (task.settings.helper === false) return putTogether(await client.chat.completions.create({ ...ask, stream: true }));
  return whole(await client.chat.completions.stream(ask).finalChatCompletion());
});
