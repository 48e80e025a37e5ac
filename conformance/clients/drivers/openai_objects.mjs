// What the objects of OpenAI's client for Node say, for the drivers that get such objects.

/** What a completion says. */
export function whole(completion) {
  const messages = completion.choices.map((choice) => choice.message);
  const understood = {
    text: messages.map((message) => message.content),
    finish_reason: completion.choices.map((choice) => choice.finish_reason),
    tool_calls: messages.map((message) => (message.tool_calls ?? []).map(callOf)),
    usage: usageOf(completion.usage),
  };
  const parsed = messages[0]?.parsed;
  return parsed === undefined || parsed === null ? understood : { ...understood, parsed };
}

/** What the chunks of a stream say together, as users put them together. */
export async function putTogether(chunks) {
  const [texts, reasons, calls] = [new Map(), new Map(), new Map()];
  let usage = null;
  for await (const chunk of chunks) {
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason: reason } of chunk.choices) {
      if (!texts.has(index)) texts.set(index, null);
      if (typeof delta.content === "string") texts.set(index, (texts.get(index) ?? "") + delta.content);
      for (const part of delta.tool_calls ?? []) {
        if (!calls.has(index)) calls.set(index, new Map());
        const known = calls.get(index);
        if (known.has(part.index)) known.get(part.index).function.arguments += part.function.arguments;
        else known.set(part.index, part);
      }
      reasons.set(index, reason ?? reasons.get(index) ?? null);
    }
  }
  const order = [...texts.keys()].sort();
  return {
    text: order.map((index) => texts.get(index)),
    finish_reason: order.map((index) => reasons.get(index)),
    tool_calls: order.map((index) => [...(calls.get(index)?.values() ?? [])].map(callOf)),
    usage: usageOf(usage),
  };
}

function callOf(call) {
  return { id: call.id, name: call.function.name, arguments: call.function.arguments };
}

function usageOf(usage) {
  if (!usage) return null;
  const { prompt_tokens, completion_tokens, total_tokens } = usage;
  return { prompt_tokens, completion_tokens, total_tokens };
}
