// What must be true of every story that has been played, whatever happened in it.
import { expect } from "bun:test";
import { type FakeAnswer, fieldOf } from "../../src/platforms/fake/messages.ts";
import type { LoggedRecord, World } from "../support/fake-world.ts";
import type { ClientActor, Given } from "./actors.ts";
import type { Played } from "./play.ts";

/** Judges it, and then asks the gateway for one more round: every place in its pools must be free. */
export function judge(played: Played): void {
  const { world, clients, targets } = played;
  const records = recordsById(world);
  const given = targets.flatMap(({ connections }) => connections.flatMap((connection) => connection.given));
  for (const client of clients) judgeClient(client, given, records, played);
  for (const record of records.values()) judgeBlame(record, given, played);
  judgeDelivery(played);
  expect(played.kept).toEqual([]);
  judgeTargets(played);
  if (!played.drained) askOnceMore(played);
  world.close();
}

/** Exactly one record for each exchange, and every exchange is over. */
function recordsById(world: World): ReadonlyMap<string, LoggedRecord> {
  const { records } = world;
  const byId = new Map(records.map((record) => [record.request_id, record]));
  expect({ records: records.length, ids: byId.size }).toEqual({ records: world.exchanges, ids: world.exchanges });
  return byId;
}

/** The client reads one answer for each request, in order, each whole or visibly broken, each its own. */
function judgeClient(
  client: ClientActor,
  given: readonly Given[],
  records: ReadonlyMap<string, LoggedRecord>,
  { drained, world, story }: Played,
): void {
  const { peer, lines } = client;
  const { answers } = peer;
  expect(peer.received).not.toContain("SMUGGLED");
  expect(answers.length).toBeLessThanOrEqual(lines.length);
  const own = lines.flatMap(({ path }) => [...records.values()].filter((record) => record["url.path"] === path));
  // The reset of an answer that broke takes back what the client had not read of those before it.
  const broke = own.at(-1)?.["error.type"];
  const isReset = peer.ending === "reset" && broke !== undefined;
  for (const [i, answer] of answers.entries()) {
    const { path, ask } = lines[i]!;
    const id = fieldOf(answer, "x-request-id")!;
    const record = records.get(id)!;
    const status = record["http.response.status_code"];
    expect({ path, id, status }).toEqual({ path, id, status: answer.status });
    // Of a head that never came whole nothing is known.
    if (path !== "" && record["url.path"] !== undefined) expect(record["url.path"]).toBe(path);
    // A client that left does not know where content ends that only the connection ends.
    if (client.gone !== undefined && endsWithConnection(answer)) continue;
    if (answer.complete) judgeWhole(answer, path, ask.method, record, given);
    else {
      expect(i).toBe(answers.length - 1);
      // What is not whole ends in a reset and is recorded so, or its client has gone by itself.
      const { ending } = peer;
      const why = record["error.type"] ?? broke ?? "none";
      if (client.gone === undefined)
        expect({ path, ending, why }).toEqual({ path, ending: "reset", why: expect.not.stringMatching("none") });
    }
  }
  for (const record of records.values()) {
    if (!lines.some(({ path }) => path !== "" && path === record["url.path"])) continue;
    // Nobody is blamed for what another did, unless time ran so fast that nobody could do anything.
    const error = record["error.type"];
    if (error === "client_disconnect" && !story.steps.some(([step]) => step.act === "rush"))
      expect({ error, why: client.gone ?? client.held }).not.toEqual({ error, why: false });
    if (error === "draining") expect(drained).toBe(true);
    // A client that stayed and read has read what the record says.
    if (client.gone !== undefined || client.held || error === "draining") continue;
    const read = answers.find((answer) => fieldOf(answer, "x-request-id") === record.request_id);
    if (error === undefined && !isReset) {
      expect({ path: record["url.path"], complete: read?.complete }).toEqual({
        path: record["url.path"]!,
        complete: true,
      });
    }
  }
  expect(world.platform.network.faults).toEqual([]);
}

function judgeWhole(
  answer: FakeAnswer,
  path: string,
  method: string,
  record: LoggedRecord,
  given: readonly Given[],
): void {
  const { status, body } = answer;
  if (record["error.type"] === undefined && status !== 101) {
    expect({ path, size: record["http.response.body.size"] }).toEqual({ path, size: body.length });
  }
  const from = fieldOf(answer, "x-from");
  if (from === undefined) {
    // Of the gateway's own.
    if (status !== 101 && !path.startsWith("/fixed") && !path.startsWith("/own"))
      expect(status).toBeGreaterThanOrEqual(400);
    return;
  }
  expect(fieldOf(answer, "x-for")).toBe(path);
  const honest = given.some(
    (each) =>
      each.path === path &&
      each.status === status &&
      (each.connection.sent >= each.end || endedEarly(each)) &&
      (method === "HEAD" || each.body === body || (endedEarly(each) && each.body.startsWith(body))) &&
      (each.plan.framing !== "close" || each.connection.gone !== undefined || body === ""),
  );
  expect({ path, body: body.slice(0, 60), honest }).toEqual({ path, body: body.slice(0, 60), honest: true });
}

/** What somebody must have done for this to be told of an exchange; of codes that are not here nothing is known. */
function judgeBlame(record: LoggedRecord, given: readonly Given[], { story, clients, targets }: Played): void {
  const error = record["error.type"];
  const path = record["url.path"];
  const receptions = new Set(story.steps.flatMap(([step]) => ("reception" in step ? [step.reception] : [])));
  const own = given.filter((each) => each.path === path);
  // A request that met the end of its connection on the wire never came to the target.
  const left = targets.some(({ connections }) => connections.some(({ gone }) => gone !== undefined));
  const line = clients.flatMap(({ lines }) => lines).find((each) => each.path !== "" && each.path === path);
  const causes: Readonly<Record<string, boolean>> = {
    connection_refused: receptions.has("ECONNREFUSED"),
    connection_terminated: left || receptions.has("ECONNRESET"),
    http_response_incomplete: left,
    http_protocol_error: own.some(({ plan }) => plan.flaw === "malformed"),
    http_request_error: line === undefined || line.content.endsWith("#never whole"),
    proxy_internal_error: false,
    http_upgrade_failed: false,
    http_response_header_section_size: false,
    content_too_large: false,
    route_not_found: path?.startsWith("/none/") ?? false,
    method_not_allowed: false,
    proxy_loop_detected: false,
  };
  expect({ path, error, caused: causes[error ?? ""] ?? true }).toEqual({ path, error, caused: true } as never);
}

/** What a target has answered whole is read by a client that has asked well, stayed and read, unless time cut it short. */
function judgeDelivery({ story, clients, sentInTime, drained }: Played): void {
  if (drained || story.steps.some(([{ act }]) => act === "advance" || act === "rush")) return;
  for (const { peer, lines, gone, held } of clients) {
    if (gone !== undefined || held || lines.some(({ content }) => content.endsWith("#never whole"))) continue;
    const paths = lines.map(({ path }) => path);
    const isPassedOver = ({ status }: Given): boolean => status === 503 && story.setting.again !== "no";
    const due = sentInTime.filter(
      (each) => paths.includes(each.path) && !/malformed|shorter/.test(each.plan.flaw) && !isPassedOver(each),
    );
    for (const { path } of due) {
      const answer = peer.answers[paths.indexOf(path)];
      const status = due.findLast((each) => each.path === path)!.status;
      const { complete } = answer ?? {};
      expect({ path, status: answer?.status, complete }).toEqual({ path, status, complete: true });
    }
  }
}

/** Content that only the end ends looks whole when its target ends in the middle of it: nobody can tell. */
function endedEarly({ plan, connection }: Given): boolean {
  return plan.framing === "close" && connection.gone === "end";
}

/** Only the end of the connection ends its content. */
function endsWithConnection(answer: FakeAnswer): boolean {
  return fieldOf(answer, "content-length") === undefined && fieldOf(answer, "transfer-encoding") === undefined;
}

/** No request reaches targets more often than it may, nor in another form than its client gave it. */
function judgeTargets({ clients, targets, story }: Played): void {
  const lines = new Map(
    clients.flatMap((client) => client.lines.map((line) => [line.path, { line, client }] as const)),
  );
  const arrivals = new Map<string, number>();
  for (const target of targets) {
    expect(target.most).toBeLessThanOrEqual(story.setting.max);
    for (const { peer, given } of target.connections) {
      const { requests } = peer;
      // One at a time: the next only when the one before has been answered.
      expect(requests.length).toBeLessThanOrEqual(given.length + 1);
      for (const request of requests) {
        const { method, target: path, complete, body } = request;
        const { line, client } = lines.get(path)!;
        arrivals.set(path, (arrivals.get(path) ?? 0) + 1);
        expect({ path, method }).toEqual({ path, method: line.ask.method });
        if (complete) {
          expect({ path, whole: body === line.content }).toEqual({ path, whole: true });
          // It never looks whole before its client has said all of it.
          expect(client.sent).toBeGreaterThanOrEqual(line.end);
        } else expect({ path, part: line.content.startsWith(body) }).toEqual({ path, part: true });
      }
    }
  }
  for (const [path, count] of arrivals) {
    const { method } = lines.get(path)!.line.ask;
    const most = method === "POST" || method === "PATCH" ? 1 : story.setting.again === "no" ? 2 : 3;
    expect({ path, count, tooOften: count > most }).toEqual({ path, count, tooOften: false });
  }
}

/** As many requests at once as there are places: each must be sent on at once, and no more of them. */
function askOnceMore({ world, targets, story }: Played): void {
  for (const { peer } of targets) {
    peer.reception = "accept";
    peer.onConnection = undefined;
    for (const connection of peer.connections) connection.onData = undefined;
  }
  const { max, places: most } = story.setting;
  const places = Math.min(max * targets.length, most);
  const clients = Array.from({ length: places }, (_, i) => world.ask("GET", `/free/${i}`));
  // One more than there are places: it is refused or waits.
  const over = places === most ? world.ask("GET", "/free/over") : undefined;
  const asked = targets.flatMap(({ peer }) =>
    peer.open.filter(({ requests }) => requests.at(-1)?.target.startsWith("/free")),
  );
  expect(asked).toHaveLength(places);
  over?.reset();
  world.settle();
  for (const connection of asked) connection.answer(200, "free");
  world.settle();
  expect(clients.map((client) => client.answer.body)).toEqual(clients.map(() => "free"));
}
