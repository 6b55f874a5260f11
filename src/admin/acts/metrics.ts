// The metrics, as Prometheus scrapes them.
import type { Answer } from "../../answer.ts";
import { CONTENT_TYPES, prometheusText, textFormat } from "../../record/prometheus.ts";
import { content } from "../answers.ts";
import type { Offer, Question } from "../offer.ts";

/** GET /metrics */
export const metrics: Offer = {
  about: "all that is counted, as Prometheus reads it",
  answers: {
    200: {
      about: "In the text format 0.0.4, or as OpenMetrics 1.0 for who asks for it.",
      types: Object.values(CONTENT_TYPES),
    },
  },
  act: answer,
};

async function answer({ x, overseen }: Question): Promise<Answer> {
  const format = textFormat(x.fields.joined("accept"));
  const text = prometheusText((await overseen.metrics()).collect(), format);
  const answer = content(x, 200, CONTENT_TYPES[format], text);
  answer.fields.add("Vary", "Accept, Accept-Encoding");
  if (!takesGzip(x.fields.joined("accept-encoding")) || !(answer.content instanceof Uint8Array)) return answer;
  answer.content = await gzipped(answer.content);
  answer.fields.add("Content-Encoding", "gzip");
  return answer;
}

/** Whether gzip is named and wanted (RFC 9110 section 12.5.3). */
function takesGzip(accepted: string | undefined): boolean {
  return /(?:^|,)\s*gzip\s*(?:,|$|;\s*q\s*=\s*(?:1|0?\.0*[1-9]))/i.test(accepted ?? "");
}

/** The same lines come again and again: a tenth is left, and often less. */
async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
