// gateway.config(5): the manual page of the config, from the reference of its options.
import type { Reference, ReferenceObject, ReferenceOption } from "../reference/reference.ts";
import type { Edition } from "./command-page.ts";
import { literal, Page, placeholder } from "./roff.ts";

const EXAMPLE = `import { defineGateway, env, jwt } from "sluice";

export default defineGateway({
  upstreams: { orders: { targets: ["http://127.0.0.1:9001"] } },
  auth: { token: jwt({ issuer: "https://id.example.com", audience: "orders" }) },
  limits: { perAddress: { limit: 20, window: "1s", by: "address" } },
  routes: {
    orders: { match: "/orders/*", to: "orders", auth: "token", limits: "perAddress" },
  },
});`;

/** The manual page gateway.config(5), as roff. */
export function configPage({ objects, functions, values }: Reference, edition: Edition): string {
  const page = new Page("gateway.config", 5, edition.date, `Sluice ${edition.version}`, "File Formats");
  page
    .name("gateway.config", "the config of Sluice, an API gateway")
    .section("DESCRIPTION")
    .paragraph(
      "The config is a module in TypeScript, `gateway.config.ts`, whose default export is what `defineGateway` returns. It may " +
        "also be JavaScript (`.js`, `.mjs`), or the options alone as JSON (`.json`). It may import `sluice`, `hono`, `jose` and " +
        "`valibot`, which are inside the executable, other files, and packages of a `node_modules` beside it.",
    )
    .paragraph(
      "`sluice check` says all that is wrong with a config, `sluice plan` all that it comes to, with every default.",
    )
    .section("EXAMPLE")
    .example(EXAMPLE.split("\n"))
    .section("OPTIONS")
    .paragraph(
      "`NAME` in the path of an option stands for a name that you choose. What has no `?` behind its name must be set.",
    );
  for (const object of objects) addObject(page, object);
  page.section("FUNCTIONS").paragraph("Imported from `sluice`.");
  for (const { name, parameters, text, options } of functions) {
    page.part(`${name}(${parameters})`).paragraph(text);
    for (const option of options) addOption(page, option);
  }
  page.section("VALUES");
  for (const { name, text } of values) page.item(literal(name), text);
  page.section("SEE ALSO").paragraph("`sluice(1)`");
  return page.text();
}

function addObject(page: Page, { path, texts, options, also }: ReferenceObject): void {
  page.part(path === "" ? "the config itself" : path);
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) page.paragraph(only);
  if (texts.length > 1) page.paragraph(["One of these:", ...texts.map((text) => `- ${text}`)].join("\n"));
  for (const option of options) addOption(page, option);
  if (also.length > 0) page.paragraph(`And the options of ${paths(also)}.`);
}

function addOption(page: Page, { name, required, type, text, see }: ReferenceOption): void {
  // What is not literal in TypeScript is for the reader to fill in.
  const term = `${literal(name)}${required ? "" : "?"}: ${placeholder(type)}`;
  const more = see.length === 0 ? "" : `See ${paths(see)}.`;
  page.item(term, [text, more].filter((part) => part !== "").join(" "));
}

function paths(all: readonly string[]): string {
  return all.map((path) => `\`${path}\``).join(", ");
}
