// Stories for the test of interleavings: who does what, in which order, as fast-check makes them up.
import fc from "fast-check";

/** What a client asks for. */
export interface Ask {
  readonly method: string;
  readonly route: "up" | "used" | "fixed" | "own" | "none";
  readonly content: "none" | "sized" | "chunked";
  readonly size: number;
  readonly expect: boolean;
  readonly minor: 0 | 1;
  readonly close: boolean;
  /** Only of a last request: asks for a tunnel, or is none. */
  readonly special: "no" | "upgrade" | keyof typeof GARBAGE;
}

/** What no strict reader takes for a request; the first kinds are refused with the head, the last ones in the content. */
export const GARBAGE = {
  version: "GET /garbage HTTP/9.9\r\nHost: gw.test\r\n\r\n",
  host: "GET /garbage HTTP/1.1\r\n\r\n",
  line: "GET  /garbage\r\n\r\n",
  both: "POST /garbage HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
  path: "GET /%zz/%00 HTTP/1.1\r\nHost: gw.test\r\n\r\n",
} as const;

/** A client: requests one behind the other. */
export interface ClientPlan {
  readonly asks: readonly Ask[];
  /** Sends ahead, or waits for each answer. */
  readonly ahead: boolean;
  /** The chunks of its last chunked content end in garbage. */
  readonly breaksChunks: boolean;
}

/** How a target answers a request. */
export interface AnswerPlan {
  readonly interim: number;
  readonly status: 200 | 204 | 304 | 404 | 503;
  readonly framing: "sized" | "chunked" | "close";
  readonly size: number;
  readonly fields: "none" | "close" | "hint";
  /** Answers when the head is there, or the whole request. */
  readonly early: boolean;
  /** Sends all at once, or as the story says. */
  readonly prompt: boolean;
  readonly flaw: "none" | "smuggles" | "malformed" | "longer" | "shorter";
  readonly ends: boolean;
}

/** Something that happens. Numbers choose among what there is at that moment. */
export type Step =
  | { readonly act: "send"; readonly client: number; readonly bytes: number }
  | { readonly act: "end" | "leave" | "reset" | "hold" | "read"; readonly client: number }
  | { readonly act: "answer"; readonly target: number; readonly bytes: number }
  | { readonly act: "target-end" | "target-reset" | "target-hold" | "target-read" | "unasked"; readonly target: number }
  | { readonly act: "reception"; readonly target: number; readonly reception: string }
  | { readonly act: "proceed"; readonly reception: string }
  | { readonly act: "advance" | "rush"; readonly ms: number }
  | { readonly act: "happen"; readonly count: number }
  | { readonly act: "drain" };

/** The world a story plays in. */
export interface Setting {
  readonly targets: 1 | 2;
  readonly halfClose: "ask" | "answer" | "leave";
  readonly max: number;
  readonly maxWaiting: number;
  readonly maxIdle: number;
  readonly maxAge: "100ms" | "10s";
  /** Most exchanges under way to the upstream at once, and how many wait for a place. */
  readonly places: number;
  readonly queue: number;
  /** Of all sockets. */
  readonly capacity: number;
  readonly joins: boolean;
  /** Whether failed requests are sent again, and slow ones beside. */
  readonly again: "no" | "retries" | "hedge";
  readonly looksLate: boolean;
  readonly resetOvertakes: boolean;
}

/** All of it. */
export interface Story {
  readonly setting: Setting;
  readonly clients: readonly ClientPlan[];
  readonly answers: readonly AnswerPlan[];
  /** Each with whether all that is ready happens before the next. */
  readonly steps: readonly (readonly [step: Step, settles: boolean])[];
  /** Which of the ready events is next, over and over. */
  readonly choices: readonly number[];
}

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.integer({ min: 100, max: 4000 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 70_000, 150_000) },
);

const ask: fc.Arbitrary<Ask> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "POST", "PUT", "HEAD", "DELETE", "PATCH"),
  route: fc.constantFrom("up", "up", "up", "up", "used", "fixed", "own", "none"),
  content: fc.constantFrom("none", "none", "sized", "chunked"),
  size,
  expect: rarely(4),
  minor: fc.constantFrom(1, 1, 1, 1, 0),
  close: rarely(6),
  special: fc.oneof(
    { weight: 12, arbitrary: fc.constant("no" as const) },
    { weight: 2, arbitrary: fc.constant("upgrade" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(GARBAGE) as (keyof typeof GARBAGE)[])) },
  ),
});

const client: fc.Arbitrary<ClientPlan> = fc.record({
  asks: fc.array(ask, { minLength: 1, maxLength: 4 }),
  ahead: fc.boolean(),
  breaksChunks: rarely(8),
});

const answer: fc.Arbitrary<AnswerPlan> = fc.record({
  interim: fc.constantFrom(0, 0, 0, 1, 3),
  status: fc.constantFrom(200, 200, 200, 200, 404, 204, 304, 503),
  framing: fc.constantFrom("sized", "sized", "chunked", "close"),
  size,
  fields: fc.constantFrom("none", "none", "none", "close", "hint"),
  early: rarely(3),
  prompt: fc.boolean(),
  flaw: fc.oneof(
    { weight: 10, arbitrary: fc.constant("none" as const) },
    { weight: 1, arbitrary: fc.constantFrom("smuggles", "malformed", "longer", "shorter") },
  ),
  ends: rarely(5),
});

const index = fc.nat(11);
const bytes = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 3000 }), fc.constant(1_000_000));
const reception = fc.constantFrom("accept", "accept", "hang", "ECONNREFUSED", "ECONNRESET");
const ms = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 30, max: 160 }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: fc.record({ act: fc.constant("send" as const), client: index, bytes }) },
  { weight: 40, arbitrary: fc.record({ act: fc.constant("answer" as const), target: index, bytes }) },
  { weight: 20, arbitrary: fc.record({ act: fc.constant("happen" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 12, arbitrary: fc.record({ act: fc.constant("advance" as const), ms }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("rush" as const), ms }) },
  {
    weight: 12,
    arbitrary: fc.record({
      act: fc.constantFrom("end" as const, "leave" as const, "reset" as const, "hold" as const, "read" as const),
      client: index,
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      act: fc.constantFrom(
        "target-end" as const,
        "target-reset" as const,
        "target-hold" as const,
        "target-read" as const,
        "unasked" as const,
      ),
      target: index,
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("reception" as const), target: index, reception }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant("proceed" as const), reception }) },
  { weight: 1, arbitrary: fc.constant({ act: "drain" as const }) },
);

const setting: fc.Arbitrary<Setting> = fc.record({
  targets: fc.constantFrom(1, 2),
  halfClose: fc.constantFrom("ask", "answer", "leave"),
  max: fc.integer({ min: 1, max: 3 }),
  maxWaiting: fc.nat(3),
  maxIdle: fc.nat(2),
  maxAge: fc.constantFrom("100ms", "10s"),
  places: fc.constantFrom(1, 2, 3, 100),
  queue: fc.nat(3),
  capacity: fc.constantFrom(50, 1000, 100_000),
  joins: fc.boolean(),
  again: fc.constantFrom("no", "retries", "hedge"),
  looksLate: fc.boolean(),
  resetOvertakes: fc.boolean(),
});

function rarely(one: number): fc.Arbitrary<boolean> {
  return fc.nat(one - 1).map((n) => n === one - 1);
}

/** Any story. */
export const anyStory: fc.Arbitrary<Story> = fc.record({
  setting,
  clients: fc.array(client, { minLength: 1, maxLength: 4 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 5 }),
  steps: fc.array(fc.tuple(step, fc.boolean()), { minLength: 5, maxLength: 70, size: "max" }),
  choices: fc.array(fc.nat(7), { minLength: 1, maxLength: 12 }),
});
