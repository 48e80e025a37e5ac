// Asks with OpenAI's client for Node, and puts streams together from its chunks as its users do.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { putTogether, whole } from "./openai_objects.mjs";
import { chosen, extra, run } from "./shared.mjs";

await run("openai-node", "openai", async (task) => {
  const client = new OpenAI({ baseURL: task.baseURL, apiKey: task.apiKey, ...chosen(task.settings, "maxRetries") });
  const ask = { model: task.model, messages: task.messages, ...extra(task) };
  if (task.streams) return putTogether(await client.chat.completions.create({ ...ask, stream: true }));
  if (task.wants !== "structured") return whole(await client.chat.completions.create(ask));
  ask.response_format = zodResponseFormat(z.fromJSONSchema(task.schema), "answer");
  return whole(await client.chat.completions.parse(ask));
});
