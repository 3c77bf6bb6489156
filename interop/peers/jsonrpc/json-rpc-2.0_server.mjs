// json-rpc-2.0 over node:http as server; prints its URL.
import { createServer } from "node:http";
import { JSONRPCErrorException, JSONRPCServer } from "json-rpc-2.0";

const methods = new JSONRPCServer({ errorListener: () => {} });
methods.addMethod("subtract", (params) => {
  const [minuend, subtrahend] = Array.isArray(params) ? params : [params.minuend, params.subtrahend];
  return minuend - subtrahend;
});
methods.addMethod("echo", ([x]) => x);
methods.addMethod("update", () => null);
methods.addMethod("fail", ([code, message]) => {
  throw new JSONRPCErrorException(message, code);
});

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", async () => {
    const answer = await methods.receiveJSON(Buffer.concat(parts).toString());
    if (answer === null) {
      response.writeHead(204).end();
    } else {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
