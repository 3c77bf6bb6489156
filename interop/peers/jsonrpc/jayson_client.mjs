// jayson as client: jayson_client.mjs URL.
import jayson from "jayson/promise/index.js";
import { NUMBERS, TEXT, VALUE, equal, run } from "./checks.mjs";

const url = new URL(process.argv[2]);
const client = jayson.Client.http({ host: url.hostname, port: Number(url.port), path: url.pathname });
const result = async (method, params) => {
  const { error, result } = await client.request(method, params);
  if (error) throw new Error(error.message);
  return result;
};

await run({
  "positional parameters": async () => {
    equal(await result("subtract", [42, 23]), 19);
    equal(await result("get_data", []), ["hello", 5]);
  },
  "named parameters": async () => equal(await result("subtract", { subtrahend: 23, minuend: 42 }), 19),
  notifications: async () => {
    await client.request("update", [1, 2, 3], null);
    await client.request("foobar", [], null);
  },
  batches: async () => {
    const answers = await client.request([
      client.request("subtract", [42, 23], undefined, false),
      client.request("foobar", [], undefined, false),
    ]);
    equal(answers.map((answer) => answer.result ?? answer.error.code), [19, -32601]);
  },
  errors: async () => {
    for (const [method, params, code] of [
      ["foobar", [], -32601],
      ["subtract", ["x"], -32602],
      ["fail", [42, "no"], 42],
    ]) {
      equal((await client.request(method, params)).error.code, code);
    }
  },
  values: async () => {
    for (const value of [TEXT, VALUE, true, false, null, []]) equal(await result("echo", [value]), value);
  },
  numbers: async () => {
    for (const number of NUMBERS) equal(await result("echo", [number]), number);
  },
});
