// Inside Deno: reads attempts as lines of JSON on stdin and writes what each came to, in the order they end.
import process from "node:process";
import { createInterface } from "node:readline";
import { denoPlatform } from "../../src/platforms/deno.ts";
import { run, type Spec } from "./fetch-run.ts";

const platform = denoPlatform();

for await (const line of createInterface({ input: process.stdin })) {
  const { id, spec } = JSON.parse(line) as { id: number; spec: Spec };
  void run(platform, spec).then((outcome) => console.log(JSON.stringify({ id, outcome })));
}
