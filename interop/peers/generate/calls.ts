// Calls of the generated class, with the types that it gives.

import { Fault, Methods } from "./demo.js";
import type { Figure, Point, Tree } from "./demo.js";

declare const process: { argv: string[] };
declare const console: { log(...values: unknown[]): void };

function same(actual: unknown, expected: unknown): void {
  const texts = [actual, expected].map((value) => JSON.stringify(value));
  if (texts[0] !== texts[1]) {
    throw new Error(`${texts[0]} instead of ${texts[1]}`);
  }
}

const server = new Methods(process.argv[2] ?? "");
const sum: number = await server.add(3, 5);
same(sum, 8);
same(await server.sum(1, 2, 3), 6);
const point: Point = { x: 1, y: 2, label: "p" };
const mirrored: Point = await server.shapes_mirror(point);
same([mirrored.x, mirrored.y, mirrored.label], [1, -2, "p"]);
same((await server.shapes_mirror(point, "y")).x, -1);
const polygon: Figure = { Polygon: [{ x: 0, y: 0 }, { x: 2, y: 0 }, point] };
same(await server.shapes_area(polygon), 2);
same(await server.shapes_area("Nothing"), 0);
const tree: Tree = await server.shapes_growTree("t", "darkgreen", 3);
same(tree.shadow?.nodeName, "t'");
same(await server.shapes_stamp("AP8=", "2026-01-02T03:04:05"), [
  "2026-01-02T03:04:05",
  "AP8=",
  "darkgreen",
]);
same((await server.shapes_bounds([point]))["y.max"], 2);
try {
  await server.divide(1, 0);
  throw new Error("no fault");
} catch (error) {
  same(error instanceof Fault && [error.code, error.message], [1, "division by zero"]);
}
// @ts-expect-error: there is no such color
const wrong: Promise<Tree> = server.shapes_growTree("t", "blue");
await wrong.catch(() => undefined);
console.log("ok");
