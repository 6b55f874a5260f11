// Targets that come and go at random while requests are under way: each gets its one answer, and no socket stays too long.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { answerText, type FakeClient, FakeTarget } from "../../src/platforms/fake/peers.ts";
import { toUpstream, World } from "../support/fake-world.ts";

const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"] as const;
type Address = (typeof ADDRESSES)[number];

/** What happens next. */
type Step =
  | { readonly kind: "targets"; readonly weights: readonly number[] }
  | { readonly kind: "ask"; readonly method: string; readonly content: string }
  | { readonly kind: "answer"; readonly which: number }
  | { readonly kind: "time"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("targets" as const),
    // -1 is not there at all. One at least has a share.
    weights: fc
      .array(fc.integer({ min: -1, max: 3 }), { minLength: 4, maxLength: 4 })
      .filter((weights) => weights.some((weight) => weight > 0)),
  }),
  fc.record({
    kind: fc.constant("ask" as const),
    method: fc.constantFrom("GET", "POST", "DELETE"),
    content: fc.constantFrom("", "abc"),
  }),
  fc.record({ kind: fc.constant("answer" as const), which: fc.nat(100) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 3000 }) }),
);

class Walk {
  weights: readonly number[] = [1, 1, 1, 1];
  readonly world: World;
  readonly targets: readonly FakeTarget[];
  readonly clients: FakeClient[] = [];

  constructor() {
    const find = (): { url: string; weight: number }[] =>
      ADDRESSES.flatMap((address, i) => {
        const weight = this.weights[i]!;
        return weight < 0 ? [] : [{ url: `http://${address}`, weight }];
      });
    this.world = new World(
      toUpstream({ targets: { from: find, every: "100ms" }, keepAlive: { idle: "1h", maxAge: "1h" } }),
    );
    this.targets = ADDRESSES.map((address) => new FakeTarget(this.world.platform.network, `${address}:80`));
    this.world.settle();
  }

  take(next: Step): void {
    const { world } = this;
    if (next.kind === "targets") {
      this.weights = next.weights;
      world.advance(100);
    } else if (next.kind === "ask") {
      const fields = next.content === "" ? [] : [`Content-Length: ${next.content.length}`];
      this.clients.push(world.ask(next.method, `/${this.clients.length}`, fields, next.content));
    } else if (next.kind === "answer") {
      const { pending } = this;
      if (pending.length > 0) pending[next.which % pending.length]!();
      world.settle();
    } else world.advance(next.ms);
  }

  /** What answers each request that waits at a target. */
  get pending(): (() => void)[] {
    return this.targets.flatMap((target) =>
      target.open.flatMap((connection) => {
        const waiting = connection.requests.length - this.answered(connection);
        if (waiting === 0) return [];
        return [
          () => {
            this.#answered.set(connection, this.answered(connection) + 1);
            connection.send(answerText(`${target.address} ${connection.request.target}`));
          },
        ];
      }),
    );
  }

  readonly #answered = new Map<object, number>();

  answered(connection: object): number {
    return this.#answered.get(connection) ?? 0;
  }

  /** Connections that carry nothing, to addresses that are not there any more. */
  get stray(): Address[] {
    return ADDRESSES.filter((_, i) => {
      const idle = this.targets[i]!.open.filter((each) => each.requests.length === this.answered(each));
      return this.weights[i]! < 0 && idle.length > 0;
    });
  }
}

test("each request gets its one answer, once; idle sockets to what is gone are closed at once", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const walk = new Walk();
      const { world } = walk;
      for (const next of steps) {
        walk.take(next);
        if (next.kind === "targets") expect(walk.stray).toEqual([]);
      }
      for (let { pending } = walk; pending.length > 0; { pending } = walk) {
        for (const answer of pending) answer();
        world.settle();
      }
      expect(walk.stray).toEqual([]);
      for (const [i, client] of walk.clients.entries()) {
        expect(client.answer.status).toBe(200);
        expect(client.answer.body).toEndWith(` /${i}`);
      }
      const arrived = walk.targets.flatMap(({ requests }) => requests.map(({ target }) => target));
      expect(arrived.toSorted()).toEqual(walk.clients.map((_, i) => `/${i}`).toSorted());
      world.platform.notices.length = 0;
      for (const { connections } of walk.targets) for (const connection of connections) connection.end();
      world.close();
    }),
    { numRuns: 150 },
  );
});
