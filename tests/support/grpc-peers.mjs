// Run by node: a server of gRPC, or its clients, by the library that others wrote. What they say is text.
import { Metadata, Server, ServerCredentials, credentials, makeGenericClientConstructor, status } from "@grpc/grpc-js";

const text = {
  requestSerialize: Buffer.from,
  requestDeserialize: String,
  responseSerialize: Buffer.from,
  responseDeserialize: String,
};
const method = (name, requestStream, responseStream) => ({
  path: `/test.Test/${name}`,
  requestStream,
  responseStream,
  ...text,
});
const service = {
  Unary: method("Unary", false, false),
  Down: method("Down", false, true),
  Up: method("Up", true, false),
  Both: method("Both", true, true),
  Fail: method("Fail", false, false),
  Hang: method("Hang", false, false),
};

function serve() {
  const cancelled = [];
  const server = new Server();
  server.addService(service, {
    Unary(call, done) {
      const trailer = new Metadata();
      trailer.set("x-trailer", "behind");
      done(null, `hello ${call.request}`, trailer);
    },
    Down(call) {
      for (let i = 0; i < Number(call.request); i++) call.write(`${i}`);
      call.end();
    },
    Up(call, done) {
      let bytes = 0;
      call.on("data", (piece) => (bytes += piece.length));
      call.on("end", () => done(null, String(bytes)));
    },
    Both(call) {
      call.on("data", (piece) => call.write(`echo ${piece}`));
      call.on("end", () => call.end());
    },
    Fail: (_, done) => done({ code: status.NOT_FOUND, details: "not here" }),
    Hang: (call) => call.on("cancelled", () => cancelled.push(call.request)),
  });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    console.log(port);
  });
  process.stdin.on("data", () => console.log(JSON.stringify(cancelled)));
}

const Client = makeGenericClientConstructor(service, "Test");

/** Makes every kind of call, and tells what came of each, as one line of JSON. */
async function call(address, pem) {
  const secure = { "grpc.ssl_target_name_override": "localhost", "grpc.default_authority": "localhost" };
  const client =
    pem === undefined
      ? new Client(address, credentials.createInsecure())
      : new Client(address, credentials.createSsl(Buffer.from(pem)), secure);
  const soon = (ms = 10_000) => ({ deadline: Date.now() + ms });
  const ended = (stream) =>
    new Promise((resolve) => {
      const pieces = [];
      stream.on("data", (piece) => pieces.push(piece));
      stream.on("error", () => undefined);
      stream.on("status", ({ code }) => resolve({ pieces, code }));
    });
  const unary = (name, message, ms) =>
    new Promise((resolve) => {
      let answer = null;
      const started = client[name](message, new Metadata(), soon(ms), (error, value) => {
        answer = error ? error.details : value;
      });
      started.on("status", ({ code, metadata }) =>
        setImmediate(() => resolve({ answer, code, trailer: metadata.get("x-trailer") })),
      );
    });
  const up = (pieces, size) =>
    new Promise((resolve) => {
      const stream = client.Up(new Metadata(), soon(), (error, value) => resolve(error ? error.details : value));
      let left = pieces;
      const go = () => {
        while (left-- > 0) if (!stream.write("x".repeat(size))) return stream.once("drain", go);
        stream.end();
      };
      go();
    });
  const both = async () => {
    const stream = client.Both(new Metadata(), soon());
    let count = 0;
    stream.on("data", () => (++count < 3 ? stream.write(String(count)) : stream.end()));
    stream.write("0");
    return ended(stream);
  };
  const told = {
    unary: await unary("Unary", "world"),
    down: await ended(client.Down("5", new Metadata(), soon())),
    up: await up(40, 100_000),
    both: await both(),
    fail: await unary("Fail", "anything"),
    hang: await unary("Hang", "late", 300),
    many: (await Promise.all(Array.from({ length: 200 }, (_, i) => unary("Unary", String(i))))).filter(
      ({ code }) => code === 0,
    ).length,
  };
  client.close();
  console.log(JSON.stringify(told));
}

/** Calls these methods one after the other, with a key where one follows behind "?"; tells each code and message. */
async function ask(address, ...names) {
  const client = new Client(address, credentials.createInsecure());
  const told = [];
  for (const name of names) {
    const [path, key] = name.split("?");
    const metadata = new Metadata();
    if (key !== undefined) metadata.set("x-api-key", key);
    const { requestSerialize, responseDeserialize } = text;
    const options = { deadline: Date.now() + (path.endsWith("/Hang") ? 300 : 10_000) };
    // A stream of requests that has no end: a refusal does not wait for it.
    const streams = path.endsWith("/Up");
    const args = [`/${path}`, requestSerialize, responseDeserialize, ...(streams ? [] : ["x"]), metadata, options];
    const make = streams ? "makeClientStreamRequest" : "makeUnaryRequest";
    const ended = await new Promise((resolve) => {
      const started = client[make](...args, (error) => resolve(error ?? { code: 0, details: "", metadata }));
      if (streams) started.write("x");
    });
    const fields = ended.metadata.getMap();
    told.push([ended.code, ended.details, fields["www-authenticate"] ?? fields["retry-after"] ?? ""]);
  }
  client.close();
  console.log(JSON.stringify(told));
}

const [role, address, ...words] = process.argv.slice(2);
if (role === "serve") serve();
else if (role === "ask") await ask(address, ...words);
else await call(address, ...words);
