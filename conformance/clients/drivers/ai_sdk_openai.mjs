// Asks with the AI SDK and its provider for OpenAI.
import { createOpenAI } from "@ai-sdk/openai";
import { asked } from "./ai_sdk.mjs";
import { chosen, run } from "./shared.mjs";

await run("ai-sdk-openai", "@ai-sdk/openai", (task) => {
  const provider = createOpenAI({ baseURL: task.baseURL, apiKey: task.apiKey, ...chosen(task.settings, "name") });
  return asked(provider.chat(task.model), task);
});
