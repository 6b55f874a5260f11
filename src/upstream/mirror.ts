// Mirrors: another upstream gets a copy of what a route forwards. Nobody waits for it, and its answer is dropped.
import type { Answer } from "../answer.ts";
import type { MirrorPlan } from "../config/shaping/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import { Exchange, type LastStage, type Stage } from "../exchange.ts";
import { type Content, isStream } from "../http/body.ts";
import { chances } from "../http/chance.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";
import { discard } from "../http/discard.ts";
import type { Platform } from "../platform.ts";
import { CopiedBody } from "./copied-body.ts";
import type { Vouching } from "./request.ts";

/** The field, in lower case, that tells a copy from the request. The gateway alone writes it. */
export const MIRROR_FIELD = "x-sluice-mirror";

/** Most bytes of an answer's content that are read so that its connection can serve again. */
const MOST_DISCARDED = 64 * 1024;

/** How often the operator is told of copies that were dropped. */
const NOTICE_EVERY_MS = 10_000;

/** What the upstream of a mirror is told: what the request's own would be, and that it is a copy. */
export function mirrorVouching(vouching: Vouching | undefined): Vouching {
  return {
    owned: [...(vouching?.owned ?? []), MIRROR_FIELD],
    lines: (x) => `${vouching?.lines(x) ?? ""}X-Sluice-Mirror: 1\r\n`,
  };
}

/** What became of the requests of a route. */
export interface MirrorCounts {
  /** Copies that were sent and answered, whatever the status. */
  answered: number;
  /** Copies without an answer. */
  failed: number;
  /** Too many were under way. */
  dropped: number;
  /** Content longer than is kept, content that broke off, and requests to switch protocols. */
  unfit: number;
}

/** The copies of one mirror that are under way. */
export class Mirror {
  readonly plan: MirrorPlan;
  readonly counts: MirrorCounts = { answered: 0, failed: 0, dropped: 0, unfit: 0 };
  readonly #name: string;
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #chance: () => number;
  /** Each with what ends it. */
  readonly #underWay = new Set<() => void>();
  #quietUntil = -Infinity;

  /** @param name for the operator: "routes.orders.mirror" */
  constructor(name: string, plan: MirrorPlan, platform: Platform, deadlines: Deadlines) {
    this.plan = plan;
    this.#name = name;
    this.#platform = platform;
    this.#deadlines = deadlines;
    this.#chance = chances(platform.random(1)[0]!);
  }

  /** Copies under way, and those whose content is still on its way to the request's own upstream. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /** Copies the request, if it is drawn and fits. Content that still comes is sent once all of it has passed. */
  copy(x: Exchange, forward: LastStage): void {
    const { share, maxInFlight, maxBody } = this.plan;
    if (share < 1 && this.#chance() >= share) return;
    const { content } = x;
    if (x.fields.has("upgrade") || (content?.length ?? 0) > maxBody) {
      this.counts.unfit++;
      return;
    }
    if (this.#underWay.size >= maxInFlight) return this.#drop();
    if (!isStream(content)) return this.#send(x, content, forward);
    /** Holds a place while the content comes. */
    let isWanted = true;
    const end = (): void => {
      isWanted = false;
      this.#underWay.delete(end);
    };
    this.#underWay.add(end);
    x.content = new CopiedBody(content, maxBody, (copied) => {
      if (!isWanted) return;
      end();
      if (copied === undefined) this.counts.unfit++;
      else this.#send(x, copied, forward);
    });
  }

  /** Ends all copies that are under way. */
  close(): void {
    for (const end of [...this.#underWay]) end();
  }

  #send(x: Exchange, content: Uint8Array | null, forward: LastStage): void {
    const copy = new Copy(x, content, this.plan.upstream, this.#platform.now());
    let answer: Answer | undefined;
    const end = (): void => {
      copy.left.tell();
      answer?.discard();
      over();
    };
    const over = (): void => {
      this.#deadlines.disarm(deadline);
      this.#underWay.delete(end);
      copy.letGo();
      settled();
    };
    const deadline = new Deadline(end);
    this.#deadlines.arm(deadline, this.plan.timeoutMs);
    this.#underWay.add(end);
    let settled = (): void => {};
    x.outlive(new Promise((resolve) => (settled = resolve)));
    void answerOf(copy, forward).then(
      (given) => {
        answer = given;
        this.counts.answered++;
        discard(answer.content, MOST_DISCARDED, over);
      },
      () => {
        this.counts.failed++;
        over();
      },
    );
  }

  #drop(): void {
    this.counts.dropped++;
    const now = this.#platform.now();
    if (now < this.#quietUntil) return;
    this.#quietUntil = now + NOTICE_EVERY_MS;
    const most = `${this.plan.maxInFlight} copies for ${this.plan.upstream.name} are under way`;
    const count = `${this.counts.dropped} since the start`;
    this.#platform.notice(
      "warn",
      `${this.#name}: ${most}, the most that maxInFlight allows: more are dropped (${count})`,
    );
  }
}

/** Makes the stage. `forward` leads to the mirror's upstream. */
export function mirrorStage(mirrors: readonly { readonly mirror: Mirror; readonly forward: LastStage }[]): Stage {
  return (x) => {
    for (const { mirror, forward } of mirrors) mirror.copy(x, forward);
  };
}

/** A copy as an exchange of its own: it is not recorded, and the client's leaving is none of its business. */
class Copy extends Exchange {
  constructor(x: Exchange, content: Content, upstream: UpstreamPlan, startedAt: number) {
    const { method, target, scheme, authority, version, fields, peer } = x;
    super({ method, target, scheme, authority, version, fields, content, peer }, startedAt);
    this.path = x.path;
    this.query = x.query;
    this.client = x.client;
    this.trusted = x.trusted;
    this.id = x.id;
    this.route = x.route;
    this.match = x.match;
    this.params = x.params;
    this.upstream = upstream;
    this.forwardTarget = x.forwardTarget;
    this.identity = x.identity;
    this.clientCertificate = x.clientCertificate;
    this.strip = x.strip;
    this.trace = x.trace && { ...x.trace, isAside: true };
  }
}

async function answerOf(copy: Copy, forward: LastStage): Promise<Answer> {
  return forward(copy);
}
