// The official Node client of the OpenAI API, with tools and structured output, before a reference deployment.
//
//     WITNESS_KEY=… node tools.mjs BASE_URL MODEL
//
// Prints one JSON object: what the client made of each conversation. It judges nothing; the test that runs it does.

import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: process.env.WITNESS_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "Call weather and calendar, both at once." }];
const weather = {
  type: "object",
  properties: { city: { type: "string" }, unit: { type: "string", enum: ["°C"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const calendar = { type: "object", properties: { day: { type: "integer" } }, required: ["day"], additionalProperties: false };
const tool = (name, parameters) => ({ type: "function", function: { name, parameters, strict: true } });
const tools = [tool("weather", weather), tool("calendar", calendar)];
const calls = (message) => message.tool_calls.map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));

const whole = await client.chat.completions.create({ model, messages, tools });
const stream = client.chat.completions.stream({ model, messages, tools });
const streamed = (await stream.finalChatCompletion()).choices[0].message;

const ran = [];
const run = (name) => (given) => {
  ran.push(name);
  return JSON.stringify(given);
};
const runner = client.chat.completions.runTools({
  model,
  messages,
  tools: tools.map((one) => ({
    type: "function",
    function: { ...one.function, parse: JSON.parse, function: run(one.function.name) },
  })),
});
const last = await runner.finalContent();

const response_format = { type: "json_schema", json_schema: { name: "weather", strict: true, schema: weather } };
const asked = [{ role: "user", content: "Answer in JSON." }];
const parsed = await client.chat.completions.create({ model, messages: asked, response_format });
const parts = [];
for await (const chunk of await client.chat.completions.create({ model, messages: asked, response_format, stream: true })) {
  parts.push(chunk.choices[0]?.delta?.content ?? "");
}

console.log(
  JSON.stringify({
    whole: calls(whole.choices[0].message),
    streamed: calls(streamed),
    ran,
    last,
    parsed: JSON.parse(parsed.choices[0].message.content),
    parsedFromStream: JSON.parse(parts.join("")),
  }),
);
