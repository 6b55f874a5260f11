// A second opinion: Node's parser llhttp, in its strict mode, on the same bytes.
import { createParser, METHODS } from "llhttp-wasm";
import { latin1Bytes } from "../../src/http/latin1.ts";

/** A message as llhttp reads it. Text went through UTF-8 on its way out of WebAssembly: compare with {@link throughUtf8}. */
export interface Opinion {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** Of a request; 0 for a response, whose version only says whether the connection stays open. */
  readonly minor: number;
  /** Values without the blanks behind them, which llhttp keeps. */
  readonly fields: [name: string, value: string][];
  keepAlive: boolean;
  /** Latin1 text. */
  content: string;
  complete: boolean;
}

export interface Verdict {
  readonly messages: readonly Opinion[];
  /** Why it stopped, or undefined when it took all bytes. */
  readonly refusal: string | undefined;
}

const NAME_OF = new Map(Object.entries(METHODS).map(([name, number]) => [number, name]));

/** What is left of latin1 text that is read as UTF-8. */
export function throughUtf8(text: string): string {
  return new TextDecoder().decode(latin1Bytes(text));
}

/**
 * Reads a run of requests, or of responses.
 * @param toHead the responses answer HEAD: no content follows any of them
 */
export function askLlhttp(kind: "REQUEST" | "RESPONSE", bytes: Uint8Array, toHead = false): Verdict {
  const messages: Opinion[] = [];
  const parser = createParser(kind as unknown as number);
  parser.onHeadersComplete = (head) => {
    const fields: [string, string][] = [];
    for (let i = 0; i < head.rawHeaders.length; i += 2) {
      fields.push([head.rawHeaders[i]!, head.rawHeaders[i + 1]!.replace(/[\t ]+$/, "")]);
    }
    messages.push({
      method: NAME_OF.get(head.method ?? -1) ?? "",
      target: head.url ?? "",
      status: head.statusCode ?? 0,
      minor: kind === "REQUEST" ? head.versionMinor : 0,
      fields,
      keepAlive: head.shouldKeepAlive,
      content: "",
      complete: false,
    });
    // 1 tells llhttp that no content follows.
    return toHead ? 1 : 0;
  };
  parser.onBody = (piece) => {
    messages.at(-1)!.content += Buffer.from(piece).toString("latin1");
    return 0;
  };
  parser.onMessageComplete = () => {
    messages.at(-1)!.complete = true;
    return 0;
  };
  try {
    const code = parser.execute(bytes);
    return {
      messages,
      refusal: code === 0 ? undefined : `${parser.getErrorName(code)}: ${parser.getErrorReason(code)}`,
    };
  } finally {
    parser.destroy();
  }
}
