// What is wrong with a set of routes as a whole: ties, routes that can never match, templates that cannot be filled.
import { forwards, type MatchPlan, type RoutePlan } from "../config/plan.ts";
import { impossibleConditions } from "./conditions.ts";
import { coveredBy } from "./coverage.ts";
import { fixedAnswerFault } from "./fixed-answer.ts";
import { HostIndex, readHosts, type HostRule } from "./host.ts";
import type { Entry, Leaf } from "./leaf.ts";
import { readPattern, type Pattern } from "./pattern.ts";
import { compileLocation } from "./redirect.ts";
import { compileRewrite } from "./rewrite.ts";
import { sampleFields, sampleRequest } from "./sample.ts";
import { entryOf } from "./table.ts";
import { findTies, type Tie } from "./ties.ts";
import { mostVisits, PathTree, type TreeNode } from "./tree.ts";

/** One fault of the routes. */
export interface RouteFault {
  /** Name of the route. */
  readonly route: string;
  /** What is wrong and how to mend it, for the operator. */
  readonly message: string;
  /** Name of the other route that takes part. */
  readonly other?: string;
  /** Method and URL of a request that shows it: `GET http://any.host/users/x`. */
  readonly url: string;
}

/** Most places one request may have to try. Only routes that set literals against parameters level by level exceed it. */
const MOST_VISITS = 1024;

/** The trees of all hosts, and which host each is for. */
interface Hosts {
  readonly index: HostIndex<PathTree>;
  readonly rules: Map<PathTree, HostRule | undefined>;
}

/**
 * Finds all faults of the routes at once, those of single routes first. Without faults, `compileRoutes` and `routeStage`
 * do not throw and no two routes tie. The time grows with the number of routes, not with the number of pairs.
 */
export function findRouteFaults(routes: readonly RoutePlan[]): RouteFault[] {
  const faults: RouteFault[] = [];
  const hosts: Hosts = { index: new HostIndex(), rules: new Map() };
  const order = new Map<string, number>();
  for (const route of routes) {
    order.set(route.name, order.size);
    const answer = route.destination.kind === "answer" ? fixedAnswerFault(route.destination.answer) : undefined;
    if (answer !== undefined) faults.push({ route: route.name, message: answer, url: sampleOf(route.matches[0]) });
    for (const match of route.matches) addMatch(route, match, hosts, faults);
  }
  for (const [tree, rule] of hosts.rules) faults.push(...treeFaults(tree, rule, order));
  return faults;
}

function addMatch(route: RoutePlan, match: MatchPlan, hosts: Hosts, faults: RouteFault[]): void {
  const fault = (message: string): void => {
    faults.push({ route: route.name, message, url: sampleOf(match) });
  };
  for (const method of match.methods) {
    if (method === "TRACE" || method === "CONNECT") fault(`${method} never matches: the listener refuses it.`);
    else if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(method)) fault(`\`${method}\` is no method.`);
  }
  for (const message of impossibleConditions(match)) fault(message);

  const pattern = readPattern(match.path);
  if (typeof pattern === "string") fault(`\`${match.path}\`: ${pattern}`);
  else for (const message of templateFaults(route, pattern)) fault(message);

  const { rules, faults: hostFaults } = readHosts(match.hosts);
  for (const message of hostFaults) fault(message);
  if (typeof pattern === "string") return;
  for (const rule of rules) place(entryOf(route, match, pattern), rule, hosts);
}

function place(entry: Entry, rule: HostRule | undefined, hosts: Hosts): void {
  const tree = hosts.index.at(rule, () => new PathTree());
  hosts.rules.set(tree, rule);
  tree.add(entry);
}

function templateFaults({ destination }: RoutePlan, pattern: Pattern): string[] {
  if (forwards(destination) && destination.rewrite !== undefined) {
    const rewrite = compileRewrite(destination.rewrite, pattern);
    return typeof rewrite === "string" ? [`The rewrite cannot be done. ${rewrite}`] : [];
  }
  if (destination.kind === "redirect") {
    const location = compileLocation(destination.to, pattern);
    return typeof location === "string" ? [`The redirect cannot be done. ${location}`] : [];
  }
  return [];
}

function treeFaults(tree: PathTree, rule: HostRule | undefined, order: ReadonlyMap<string, number>): RouteFault[] {
  const faults: RouteFault[] = [];
  for (const leaf of tree.leaves) {
    for (const tie of findTies(leaf.entries)) {
      const method = tie.method || unnamedMethod(leaf);
      faults.push(tieFault({ ...tie, method }, tree, rule, order));
    }
    for (const entry of leaf.entries) {
      const other = coveredBy(entry, tree.root);
      if (other === undefined) continue;
      const message =
        `\`${entry.match.path}\` never matches: more specific patterns such as \`${other.match.path}\` take all its ` +
        "paths. Remove it, or one of those.";
      const url = sampleRequest(entry.methods[0] ?? "", rule, tree.root, [entry]);
      faults.push({ route: entry.route.name, message, other: other.route.name, url });
    }
  }
  const visits = mostVisits(tree.root);
  if (visits > MOST_VISITS) faults.push(branchingFault(visits, tree, rule));
  return faults;
}

/** A method that no entry of the leaf names, so that the request goes to those which take any. */
function unnamedMethod(leaf: Leaf): string {
  const named = new Set(leaf.entries.flatMap((entry) => entry.methods));
  return ["GET", "POST", "PUT", "DELETE", "PATCH"].find((method) => !named.has(method)) ?? "OTHER";
}

function tieFault(
  { first, second, method }: Tie,
  tree: PathTree,
  rule: HostRule | undefined,
  order: ReadonlyMap<string, number>,
): RouteFault {
  const inOrder = order.get(first.route.name)! <= order.get(second.route.name)!;
  const [other, route] = inOrder ? [first, second] : [second, first];
  const fields = sampleFields([other, route]);
  const request = fields === "" ? "this request" : `this request with ${fields}`;
  const message =
    route.route === other.route
      ? `Two matches of the route take ${request}. Remove one of them.`
      : `The routes \`${other.route.name}\` and \`${route.route.name}\` both take ${request}, and neither is more ` +
        "specific. Change the path, the host, the method or a condition of one of them.";
  const url = sampleRequest(method, rule, tree.root, [other, route]);
  return { route: route.route.name, message, other: other.route.name, url };
}

/** Names the route at the end of the way with most branches. */
function branchingFault(visits: number, tree: PathTree, rule: HostRule | undefined): RouteFault {
  let node: TreeNode = tree.root;
  for (;;) {
    const next = [...node.literals()].reduce<TreeNode | undefined>(
      (best, child) => (best === undefined || mostVisits(child) > mostVisits(best) ? child : best),
      node.param,
    );
    if (next === undefined) break;
    node = next;
  }
  const entry = (node.here ?? node.below)!.entries[0]!;
  const message =
    `Paths like this one can match in up to ${visits} places, more than ${MOST_VISITS}: routes set a literal against a ` +
    "parameter at too many levels. Give such routes a literal beginning of their own.";
  return { route: entry.route.name, message, url: sampleRequest(entry.methods[0] ?? "", rule, tree.root, [entry]) };
}

/** Method and URL of a match that may be unreadable: as it is written. */
function sampleOf(match: MatchPlan | undefined): string {
  const host = match?.hosts[0]?.replace(/^\*\./, "x.") ?? "any.host";
  return `${match?.methods[0] ?? "GET"} http://${host}${match?.path ?? "/"}`;
}
