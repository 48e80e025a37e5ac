// Asks with the AI SDK and its provider for servers that are compatible with OpenAI's.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { asked } from "./ai_sdk.mjs";
import { chosen, run } from "./shared.mjs";

await run("ai-sdk-compatible", "@ai-sdk/openai-compatible", (task) => {
  const provider = createOpenAICompatible({
    name: "deployment",
    baseURL: task.baseURL,
    apiKey: task.apiKey,
    includeUsage: task.wants === "usage",
    supportsStructuredOutputs: true,
    ...chosen(task.settings, "includeUsage", "supportsStructuredOutputs"),
  });
  return asked(provider(task.model), task);
});
