// The official Node client of the OpenAI API, used as its documentation shows, before a reference deployment.
//
//     WITNESS_KEY=… node witness.mjs BASE_URL MODEL bearer|x-api-key
//
// Prints one JSON object: what the client made of each conversation. It judges nothing; the test that runs it does.

import OpenAI from "openai";

const [baseURL, model, header] = process.argv.slice(2);
const key = process.env.WITNESS_KEY;
const withKey = (one) =>
  new OpenAI({ baseURL, apiKey: one, maxRetries: 0, defaultHeaders: header === "x-api-key" ? { "x-api-key": one } : {} });
const client = withKey(key);
const messages = [{ role: "user", content: "Hello there, 日本語 🇩🇪." }];

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return { class: error.constructor.name, status: error.status, code: error.code, param: error.param, type: error.type };
  }
  return null;
}

async function collected(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function given_up(stream) {
  for await (const chunk of stream) {
    stream.controller.abort();
    return chunk.object;
  }
}

const ask = (more) => client.chat.completions.create({ model, messages, ...more });
const seen = {
  whole: await ask({ temperature: 0.5, max_tokens: 100 }),
  chunks: await collected(await ask({ stream: true })),
  cut: await ask({ max_tokens: 1 }),
  stopped: await ask({ stop: ["there"] }),
  two: await ask({ n: 2 }),
  two_chunks: await collected(await ask({ n: 2, stream: true, stop: ["there"] })),
  given_up: await given_up(await ask({ stream: true })),
  errors: {
    invalid: await failure(ask({ temperature: 3 })),
    invalid_stream: await failure(ask({ temperature: 3, stream: true })),
    unknown_model: await failure(ask({ model: "other" })),
    wrong_key: await failure(withKey("wrong").chat.completions.create({ model, messages })),
    no_messages: await failure(ask({ messages: [] })),
  },
};
if (header === "bearer") {
  seen.counted = await collected(await ask({ stream: true, stream_options: { include_usage: true } }));
  const runner = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
  seen.assembled = await runner.finalChatCompletion();
  seen.logprobs = await ask({ logprobs: true, top_logprobs: 2, max_completion_tokens: 3 });
}
console.log(JSON.stringify(seen));
