// json-rpc-2.0 over fetch as client: json-rpc-2.0_client.mjs URL.
import { JSONRPCClient, createJSONRPCRequest } from "json-rpc-2.0";
import { NUMBERS, TEXT, VALUE, equal, run } from "./checks.mjs";

const url = process.argv[2];
const client = new JSONRPCClient(async (request) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });
  if (response.status === 200) {
    client.receive(await response.json());
  } else if (response.status !== 204) {
    throw new Error(response.statusText);
  }
});
const code = async (method, params) => {
  try {
    await client.request(method, params);
  } catch (error) {
    return error.code;
  }
  throw new Error("there is no error");
};

await run({
  "positional parameters": async () => {
    equal(await client.request("subtract", [42, 23]), 19);
    equal(await client.request("get_data"), ["hello", 5]);
  },
  "named parameters": async () => equal(await client.request("subtract", { subtrahend: 23, minuend: 42 }), 19),
  notifications: async () => {
    await client.notify("update", [1, 2, 3]);
    await client.notify("foobar");
  },
  batches: async () => {
    const answers = await client.requestAdvanced([
      createJSONRPCRequest(101, "subtract", [42, 23]),
      createJSONRPCRequest(102, "foobar"),
    ]);
    equal(answers.map((answer) => answer.result ?? answer.error.code), [19, -32601]);
  },
  errors: async () => {
    equal(await code("foobar"), -32601);
    equal(await code("subtract", ["x"]), -32602);
    equal(await code("fail", [42, "no"]), 42);
  },
  values: async () => {
    for (const value of [TEXT, VALUE, true, false, null, []]) equal(await client.request("echo", [value]), value);
  },
  numbers: async () => {
    for (const number of NUMBERS) equal(await client.request("echo", [number]), number);
  },
});
