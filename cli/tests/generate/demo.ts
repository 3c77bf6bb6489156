// Written by `farcall generate typescript` from json+http://localhost:8000/.
// JavaScript rounds integers beyond 2^53 when it reads them.

export interface Tree {
  "nodeName": string;
  "color": Color;
  "children": Array<Tree>;
  "shadow"?: Tree | null;
}

export type Color = "red" | "darkgreen";

export type Figure =
  | "Nothing"
  | { "Circle": number }
  | { "Polygon": Array<Point> };

export interface Point {
  "x": number;
  "y": number;
  "label"?: string | null;
}

export interface Stooges {
  "moe": number;
  "larry": number;
  "curly": number;
}

/** An error that the server answered with. */
export class Fault extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "Fault";
    this.code = code;
    this.data = data;
  }
}

export class Methods {
  readonly #url: string;
  readonly #send: typeof fetch;
  #id = 0;

  /** Makes calls by JSON-RPC at a URL. `send` replaces `fetch`, for headers of your own. */
  constructor(url: string, send: typeof fetch = (input, init) => fetch(input, init)) {
    this.#url = url;
    this.#send = send;
  }

  async #call(method: string, required: number, params: unknown[]): Promise<unknown> {
    while (params.length > required && params[params.length - 1] === undefined) {
      params.pop();
    }
    const id = ++this.#id;
    const response = await this.#send(this.#url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id, method, params }),
    });
    const answer = (await response.json()) as {
      id?: unknown;
      result?: unknown;
      error?: { code: number; message: string; data?: unknown } | null;
    };
    if (answer.error) {
      throw new Fault(answer.error.code, answer.error.message, answer.error.data);
    }
    if (answer.id !== id) {
      throw new Error("the answer is not to this call");
    }
    return answer.result;
  }

  /**
   * Adds two integers.
   */
  async add(a: number, b: number): Promise<number> {
    return (await this.#call("add", 2, [a, b])) as number;
  }

  /**
   * Returns `n` bytes, at most 64 MiB, which count from 0 to 255 repeatedly.
   */
  async blob(n: number): Promise<string> {
    return (await this.#call("blob", 1, [n])) as string;
  }

  /**
   * Joins two strings.
   */
  async concat(a: string, b: string): Promise<string> {
    return (await this.#call("concat", 2, [a, b])) as string;
  }

  /**
   * Adds `n` to the counter and returns its new value.
   */
  async counter_increment(n: number): Promise<number> {
    return (await this.#call("counter.increment", 1, [n])) as number;
  }

  /**
   * Returns the value of the counter.
   */
  async counter_value(): Promise<number> {
    return (await this.#call("counter.value", 0, [])) as number;
  }

  /**
   * Divides one number by another. Division by zero is a fault.
   */
  async divide(a: number, b: number): Promise<number> {
    return (await this.#call("divide", 2, [a, b])) as number;
  }

  /**
   * Returns any value unchanged.
   */
  async echo(x: unknown): Promise<unknown> {
    return (await this.#call("echo", 1, [x])) as unknown;
  }

  /**
   * Fails with the given fault.
   */
  async fail(code: number, message: string): Promise<void> {
    await this.#call("fail", 2, [code, message]);
  }

  /**
   * Returns the current time, in UTC.
   */
  async now(): Promise<string> {
    return (await this.#call("now", 0, [])) as string;
  }

  /**
   * Returns the area of a figure.
   */
  async shapes_area(figure: Figure): Promise<number> {
    return (await this.#call("shapes.area", 1, [figure])) as number;
  }

  /**
   * Returns the least and the greatest coordinates, by their names.
   */
  async shapes_bounds(points: Array<Point>): Promise<{ [name: string]: number }> {
    return (await this.#call("shapes.bounds", 1, [points])) as { [name: string]: number };
  }

  /**
   * Returns a tree with this number of levels, 2 by default.
   */
  async shapes_growTree(name: string, color: Color, levels?: number): Promise<Tree> {
    return (await this.#call("shapes.growTree", 2, [name, color, levels])) as Tree;
  }

  /**
   * Mirrors a point at an axis, `"x"` by default.
   * 
   * Other axes are those of the origin, as in `mirror(Point { x: 1.0, y: 2.0 }, "xy")`.
   */
  async shapes_mirror(point: Point, axis?: string): Promise<Point> {
    return (await this.#call("shapes.mirror", 1, [point, axis])) as Point;
  }

  /**
   * Returns the arguments.
   */
  async shapes_stamp(data: string, at: string): Promise<[string, string, Color]> {
    return (await this.#call("shapes.stamp", 2, [data, at])) as [string, string, Color];
  }

  /**
   * Returns after the given number of seconds, at most an hour.
   */
  async sleep(seconds: number): Promise<boolean> {
    return (await this.#call("sleep", 1, [seconds])) as boolean;
  }

  /**
   * Adds numbers, which are the parameters, or the elements of the only one: integers to an
   * integer, anything else to a double.
   */
  async sum(...values: unknown[]): Promise<unknown> {
    return (await this.#call("sum", 0, [...values])) as unknown;
  }

  /**
   * Adds the members `curly` of an array of structs.
   */
  async validator1_arrayOfStructsTest(structs: Array<Stooges>): Promise<number> {
    return (await this.#call("validator1.arrayOfStructsTest", 1, [structs])) as number;
  }

  /**
   * Counts the characters of a string that are special in XML.
   */
  async validator1_countTheEntities(text: string): Promise<unknown> {
    return (await this.#call("validator1.countTheEntities", 1, [text])) as unknown;
  }

  /**
   * Adds the members `moe`, `larry` and `curly` of a struct.
   */
  async validator1_easyStructTest(stooges: Stooges): Promise<number> {
    return (await this.#call("validator1.easyStructTest", 1, [stooges])) as number;
  }

  /**
   * Returns a struct unchanged.
   */
  async validator1_echoStructTest(value: { [name: string]: unknown }): Promise<{ [name: string]: unknown }> {
    return (await this.#call("validator1.echoStructTest", 1, [value])) as { [name: string]: unknown };
  }

  /**
   * Returns its six parameters as an array.
   */
  async validator1_manyTypesTest(number: number, truth: boolean, text: string, double: number, date: string, bytes: string): Promise<Array<unknown>> {
    return (await this.#call("validator1.manyTypesTest", 6, [number, truth, text, double, date, bytes])) as Array<unknown>;
  }

  /**
   * Joins the first and the last of 100 to 200 strings.
   */
  async validator1_moderateSizeArrayCheck(strings: Array<string>): Promise<string> {
    return (await this.#call("validator1.moderateSizeArrayCheck", 1, [strings])) as string;
  }

  /**
   * Adds `moe`, `larry` and `curly` of 1 April 2000 in a calendar of structs.
   */
  async validator1_nestedStructTest(years: { [name: string]: { [name: string]: { [name: string]: unknown } } }): Promise<number> {
    return (await this.#call("validator1.nestedStructTest", 1, [years])) as number;
  }

  /**
   * Multiplies a number by 10, 100 and 1000.
   */
  async validator1_simpleStructReturnTest(number: number): Promise<unknown> {
    return (await this.#call("validator1.simpleStructReturnTest", 1, [number])) as unknown;
  }

  /**
   * Returns the name of the caller's identity, or `anonymous`.
   */
  async whoami(): Promise<string> {
    return (await this.#call("whoami", 0, [])) as string;
  }
}
