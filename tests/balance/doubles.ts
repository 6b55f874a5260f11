// Targets and exchanges for who picks among targets.
import { TARGET_WORDS } from "../../src/board.ts";
import { type Arrival, Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { Target } from "../../src/target.ts";

/** A target of each weight, on ports of their own. */
export function targetsOf(weights: readonly number[]): Target[] {
  return weights.map((weight, index) => {
    const port = 9001 + index;
    const url = `http://127.0.0.1:${port}`;
    const plan = { url, secure: false, host: "127.0.0.1", port, authority: `127.0.0.1:${port}`, weight };
    return new Target(plan, new Int32Array(TARGET_WORDS));
  });
}

/** An exchange as it arrives. */
export function anExchange(arrival: Partial<Arrival> = {}): Exchange {
  return new Exchange(
    {
      method: "GET",
      target: "/",
      scheme: "http",
      authority: "gateway.test",
      version: "1.1",
      fields: new Fields(),
      content: null,
      peer: "192.0.2.1",
      ...arrival,
    },
    0,
  );
}
