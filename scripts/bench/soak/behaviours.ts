// What origins do with a request, failures included, and what the client must see of it.
import type { Outcome } from "./client.ts";
import type { OriginConnection, OriginRequest } from "./origin.ts";

/** What a request of the soak asks of the origin; it stands in the target. */
export interface Errand {
  readonly id: number;
  readonly behaviour: string;
  /** Bytes of the answer's body. */
  readonly size: number;
}

/** One way for an origin to behave. */
export interface Behaviour {
  /** Share of the requests, relative to the others. */
  readonly weight: number;
  act(connection: OriginConnection, request: OriginRequest, errand: Errand): void;
  /** What a client that waits may see. `head`: the method was HEAD. */
  allowed(outcome: Outcome, head: boolean): boolean;
  /** The origin answers when it has read the request's head, and not its body. */
  early?: boolean;
}

/** `/route/i17/ok/300`: errand 17. */
export function targetOf(route: string, { id, behaviour, size }: Errand): string {
  return `/${route}/i${id}/${behaviour}/${size}`;
}

/** Reads a target back; undefined when it is none. */
export function errandOf(target: string): Errand | undefined {
  const [, id, behaviour, size] = /^\/[a-z]+\/i(\d+)\/([a-z-]+)\/(\d+)$/.exec(target) ?? [];
  if (id === undefined || behaviour === undefined) return undefined;
  return { id: Number(id), behaviour, size: Number(size) };
}

/** The body of a right answer: its errand's id, then filling. */
function bodyOf({ id, size }: Errand): string {
  return `i${id};`.padEnd(size, "x");
}

function headOf(request: OriginRequest, { id }: Errand, framing: string): string {
  return `HTTP/1.1 200 OK\r\nX-Errand: i${id}\r\nX-Received: ${request.received}\r\n${framing}\r\n\r\n`;
}

function sized(request: OriginRequest, errand: Errand, fields = ""): { head: string; body: string } {
  const body = bodyOf(errand);
  const head = headOf(request, errand, `${fields}Content-Length: ${body.length}`);
  return { head, body: request.method === "HEAD" ? "" : body };
}

/** An answer to HEAD ends with its head: there is nothing in it to break. */
function unlessHead(act: Behaviour["act"]): Behaviour["act"] {
  return (connection, request, errand) =>
    request.method === "HEAD" ? sendWhole(connection, request, errand) : act(connection, request, errand);
}

function sendWhole(connection: OriginConnection, request: OriginRequest, errand: Errand): void {
  const { head, body } = sized(request, errand);
  connection.send(head + body);
}

const whole = (outcome: Outcome): boolean => outcome.kind === "answered" && outcome.status === 200;
const refused = ({ kind, status }: Outcome): boolean => kind === "answered" && status >= 502 && status <= 504;
const visiblyBroken = (outcome: Outcome, head: boolean): boolean =>
  head ? whole(outcome) : outcome.kind === "broken" || refused(outcome);

/** All ways, by the word that stands in the target. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  ok: { weight: 56, act: sendWhole, allowed: whole },
  chunked: {
    weight: 6,
    act: unlessHead((connection, request, errand) => {
      const body = bodyOf(errand);
      const half = Math.ceil(body.length / 2);
      const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
      const head = headOf(request, errand, "Transfer-Encoding: chunked");
      connection.send(head + chunk(body.slice(0, half)), false);
      const rest = body.length > half ? chunk(body.slice(half)) : "";
      connection.later(1, () => connection.send(`${rest}0\r\n\r\n`));
    }),
    allowed: whole,
  },
  slow: {
    weight: 4,
    act: unlessHead((connection, request, errand) => {
      const { head, body } = sized(request, errand);
      connection.later(5, () => {
        connection.send(head + body.slice(0, 10), false);
        connection.later(5, () => connection.send(body.slice(10)));
      });
    }),
    allowed: whole,
  },
  interim: {
    weight: 2,
    act(connection, request, errand) {
      const { head, body } = sized(request, errand);
      connection.send(`HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n${head}${body}`);
    },
    allowed: whole,
  },
  "close-after": {
    weight: 5,
    act(connection, request, errand) {
      const { head, body } = sized(request, errand);
      connection.send(head + body, true, () => connection.finish());
    },
    allowed: whole,
  },
  "say-close": {
    weight: 3,
    act(connection, request, errand) {
      const { head, body } = sized(request, errand, "Connection: close\r\n");
      connection.send(head + body, true, () => connection.finish());
    },
    allowed: whole,
  },
  surplus: {
    weight: 2,
    act(connection, request, errand) {
      const { head, body } = sized(request, errand);
      connection.send(`${head}${body}HTTP/1.1 200 OK\r\nX-Errand: i0\r\nContent-Length: 6\r\n\r\npoison`);
    },
    allowed: whole,
  },
  "hang-up": { weight: 4, act: (connection) => connection.finish(), allowed: refused },
  "reset-head": {
    weight: 4,
    act(connection) {
      connection.send("HTTP/1.1 200 OK\r\nX-Part: of a he", false);
      connection.later(1, () => connection.reset());
    },
    allowed: refused,
  },
  "reset-body": {
    weight: 4,
    act: unlessHead((connection, request, errand) => {
      const { head, body } = sized(request, errand);
      connection.send(head + body.slice(0, body.length / 2), false);
      connection.later(1, () => connection.reset());
    }),
    allowed: visiblyBroken,
  },
  short: {
    weight: 4,
    act: unlessHead((connection, request, errand) => {
      const { head, body } = sized(request, errand);
      connection.send(head + body.slice(0, -1), false, () => connection.finish());
    }),
    allowed: visiblyBroken,
  },
  "short-chunk": {
    weight: 2,
    act: unlessHead((connection, request, errand) => {
      connection.send(`${headOf(request, errand, "Transfer-Encoding: chunked")}5\r\nabc`, false);
      connection.later(1, () => connection.finish());
    }),
    allowed: visiblyBroken,
  },
  garbage: {
    weight: 3,
    act: (connection) => connection.send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP at all\r\n\r\n"),
    allowed: refused,
  },
  early: {
    weight: 1,
    early: true,
    act(connection) {
      const answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      connection.send(answer, true, () => connection.finish());
    },
    // The gateway may still have been sending when the origin closed.
    allowed: (outcome) => refused(outcome) || (outcome.kind === "answered" && outcome.status === 413),
  },
};

/** Whether a 200 is the answer to this very errand, whole and unchanged. */
export function isRight(outcome: Outcome, errand: Errand, head: boolean, sent: number): boolean {
  if (/\r\nx-errand: i(\d+)\r\n/i.exec(outcome.head)?.[1] !== String(errand.id)) return false;
  if (/\r\nx-received: (\d+)\r\n/i.exec(outcome.head)?.[1] !== String(sent)) return false;
  if (head) return outcome.bytes === 0;
  return outcome.start.startsWith(`i${errand.id};`) && outcome.bytes === bodyOf(errand).length;
}
