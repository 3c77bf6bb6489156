// jayson as server; prints its URL.
import jayson from "jayson/promise/index.js";

const methods = {
  subtract: async (params) => {
    const [minuend, subtrahend] = Array.isArray(params) ? params : [params.minuend, params.subtrahend];
    return minuend - subtrahend;
  },
  echo: async ([x]) => x,
  update: async () => null,
  fail: async ([code, message]) => {
    throw { code, message };
  },
};
const server = new jayson.Server(methods).http();
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
