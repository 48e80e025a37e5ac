// Asks with the library by which the agent Continue talks to models, and puts streams together from its chunks.
import { constructLlmApi } from "@continuedev/openai-adapters";
import { putTogether, whole } from "./openai_objects.mjs";
import { extra, run } from "./shared.mjs";

await run("continue", "@continuedev/openai-adapters", async (task) => {
  if (task.settings.vercel) process.env.USE_VERCEL_AI_SDK_OPENAI = "true";
  const provider = task.settings.provider ?? "openai";
  const api = constructLlmApi({ provider, apiKey: task.apiKey, apiBase: `${task.baseURL}/` });
  const ask = { model: task.model, messages: task.messages, ...extra(task) };
  const { signal } = new AbortController();
  if (task.streams) return putTogether(api.chatCompletionStream({ ...ask, stream: true }, signal));
  return whole(await api.chatCompletionNonStream({ ...ask, stream: false }, signal));
});
