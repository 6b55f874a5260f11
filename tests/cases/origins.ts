// What the upstream servers of each case do: the words of `behaviour` in cases.json, written as code.
import { certificates } from "../support/certificates.ts";
import { answering, type Behaviour } from "../support/origin-exchange.ts";
import type { OriginOptions } from "../support/raw-origin.ts";
import type { Json, Server } from "./format.ts";
import { type IssuerState, issuing } from "./jwt-steps.ts";
import { closingOrigin, type ObservedEnd } from "./websocket-steps.ts";

/**
 * Makes an origin for one variant. `seen` takes what a WebSocket origin observes; `issuer` is what the steps change of an
 * issuer of tokens.
 */
export type OriginOf = (
  server: Server,
  vars: Readonly<Record<string, Json>>,
  seen: ObservedEnd,
  issuer: IssuerState,
) => OriginOptions;

const text = (server: Server, key: string): string => {
  const value = server[key];
  if (typeof value !== "string") throw new Error(`${server.name} has no ${key}`);
  return value;
};

const replies: OriginOf = (server) => ({ behaviour: answering(text(server, "reply")) });

/** GW-11: a head and chunks at their times. */
const timedEvents: OriginOf = (server, vars) => ({
  behaviour: async (x) => {
    const began = performance.now();
    const script = server[String(vars["SCRIPT"])] as { at_ms: number; send?: string; chunk?: string }[];
    for (const line of script) {
      await x.wait(line.at_ms - (performance.now() - began));
      if (line.chunk !== undefined) await x.chunk(line.chunk);
      else await x.send(line.send === "head" ? text(server, "head") : line.send!);
    }
  },
});

/** GW-13: gzip for those who ask for it. */
const encoded: OriginOf = (server, vars) => ({
  behaviour: async (x) => {
    const head = text(server, "reply_gzip_head");
    const body = Buffer.from(text(server, "reply_gzip_body_b64"), "base64");
    const identity = text(server, "plain");
    if (vars["OWN"] === true)
      await x.send("HTTP/1.1 200 OK\r\nContent-Encoding: x-own\r\nContent-Length: 6\r\n\r\nopaque");
    else if (vars["BROKEN"] === true) {
      await x.send(`${head.replace("Content-Length: 57", "Content-Length: 15")}not gzip at all`);
    } else if (x.request.fields.all("accept-encoding").join(",").includes("gzip")) {
      await x.send(x.request.method === "HEAD" ? head : Buffer.concat([Buffer.from(head), body]));
    } else await x.send(`HTTP/1.1 200 OK\r\nContent-Length: ${identity.length}\r\n\r\n${identity}`);
  },
});

/** GW-19: connections that go stale, each in its way. */
const stale: OriginOf = (server, vars) => ({
  behaviour: async (x) => {
    const mode = vars["MODE"];
    await x.body();
    if (x.number > 1 && mode === "read_and_close") return x.finish();
    if (x.number > 1 && mode === "silent" && x.connection.number === 1) return await x.hang();
    await x.send(text(server, "reply"));
    if (x.number > 1 || (mode !== "idle_fin" && mode !== "idle_rst")) return;
    await x.wait(50);
    if (mode === "idle_fin") x.finish();
    else x.reset();
  },
});

/** GW-20: answers that never end, never begin, or wait for a slow upload. */
const endless: OriginOf = (server, vars) => {
  const stream: Behaviour = async (x) => {
    await x.body();
    await x.send(text(server, "reply"));
    const piece = Buffer.alloc(64 * 1024, "s");
    while ((await x.chunk(piece)) && (await x.wait(50)));
  };
  const pending: Behaviour = async (x) => {
    await x.body();
    await x.hang();
  };
  const upload: Behaviour = async (x) => {
    for (let piece = await x.some(); piece !== undefined; piece = await x.some()) {
      if (!(await x.wait((piece.length / 65_536) * 1000))) break;
    }
    if (x.request.complete) await x.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  const modes: Record<string, Behaviour> = { stream, pending, upload };
  return { behaviour: modes[String(vars["MODE"])]! };
};

/** GW-25: slow, quiet, or silent, by path. */
const slow: OriginOf = (server) => ({
  behaviour: async (x) => {
    if (x.request.target === "/hang") return await x.hang();
    if (x.request.target === "/slow") {
      if (await x.wait(12_000)) await x.send(text(server, "reply"));
      return;
    }
    await x.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    await x.chunk("data: one\n\n");
    if (await x.wait(12_000)) await x.chunk("data: two\n\n");
    await x.send("0\r\n\r\n");
  },
});

/** GW-32: u1 fails in its way, u2 answers. */
const failing: OriginOf = (server, vars) => {
  if (server.name === "u2") return { behaviour: answering(text(server, "reply")) };
  const modes: Record<string, Behaviour> = {
    read503: answering(text(server, "reply")),
    head503: async (x) => {
      await x.send(text(server, "reply"));
      await x.body();
    },
    cut: async (x) => {
      for (let read = 0; read < Number(vars["N"]) / 2;) {
        const piece = await x.some();
        if (piece === undefined) return;
        read += piece.length;
      }
      x.reset();
    },
  };
  return { behaviour: modes[String(vars["MODE"])]! };
};

/** GW-35: u2 cannot serve, and says so. */
const checked: OriginOf = (server) => ({
  behaviour: async (x) => {
    const down = server.name === "u2" && x.request.target === "/health";
    await x.send(down ? "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n" : text(server, "reply"));
  },
});

/** GW-59: certificates for up.internal.test, one valid, one expired. */
const secure: OriginOf = (server) => {
  const { named, expired } = certificates();
  return { behaviour: answering(text(server, "reply")), tls: server.name === "u1" ? named : expired };
};

/** GW-40: so late that all have been asked before the first is answered. */
const late: OriginOf = (server) => ({
  behaviour: async (x) => {
    await x.wait(300);
    await x.send(text(server, "reply"));
  },
});

/** GW-43. */
const keySets: OriginOf = (server) => {
  if (server.name === "u1") return { behaviour: answering(text(server, "reply")) };
  return { behaviour: issuing({ keys: [server.name === "jwks" ? "k1" : "evil"], state: "serving", delayMs: 0 }) };
};

/** By case. */
export const ORIGINS: Readonly<Record<string, OriginOf>> = {
  "GW-01": replies,
  "GW-04": replies,
  "GW-05": replies,
  "GW-07": replies,
  "GW-08": replies,
  "GW-11": timedEvents,
  "GW-13": encoded,
  "GW-14": replies,
  "GW-19": stale,
  "GW-20": endless,
  "GW-25": slow,
  "GW-28": (_, vars, seen) => ({ behaviour: closingOrigin(String(vars["DO"]), seen) }),
  "GW-32": failing,
  "GW-35": checked,
  "GW-40": late,
  "GW-43": keySets,
  "GW-44": (server, _vars, _seen, issuer) =>
    server.name === "u1" ? { behaviour: answering(text(server, "reply")) } : { behaviour: issuing(issuer) },
  "GW-52": replies,
  "GW-58": replies,
  "GW-59": secure,
};
