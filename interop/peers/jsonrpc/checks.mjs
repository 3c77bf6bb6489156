// Runs the checks of a client, and prints a line for each: `name: ok`, or what went wrong. Ends with `end`.
import assert from "node:assert/strict";

export const TEXT = "é中😀\0\"\\/\u2028";
export const NUMBERS = [0, -1, 2 ** 53 - 1, 0.1, 1e300];
export const VALUE = { a: [1, { b: null }], "": [], é: {} };
export const equal = assert.deepEqual;

export async function run(checks) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`${name}: ok`);
    } catch (error) {
      console.log(`${name}: ${String(error).split("\n").join(" ")}`);
    }
  }
  console.log("end");
}
