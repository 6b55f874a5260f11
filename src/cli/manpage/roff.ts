// Manual pages in the man(7) macros, which groff, mandoc and the rest all read.

/** Longest line of the file; readers fill lines anew. */
const WIDTH = 78;

/** A page that is written from its top to its end. Texts have code between backquotes. */
export class Page {
  readonly #lines: string[] = [];
  /** No paragraph may begin right behind a heading. */
  #fresh = true;

  constructor(name: string, section: number, date: string, source: string, manual: string) {
    this.#lines.push(`.TH ${[name.toUpperCase(), String(section), date, source, manual].map(argument).join(" ")}`);
    // Lines are not stretched.
    this.#lines.push(".ad l");
  }

  /** Begins a section: "NAME". */
  section(title: string): this {
    return this.#heading(".SH", title);
  }

  /** Begins a part of a section. */
  part(title: string): this {
    return this.#heading(".SS", title);
  }

  /** The one line that apropos reads. */
  name(name: string, summary: string): this {
    this.section("NAME");
    this.#lines.push(`${literal(name)} \\- ${prose(summary)}`);
    this.#fresh = false;
    return this;
  }

  /** A line as it is called, of terms. */
  synopsis(line: string): this {
    this.#lines.push(...(this.#fresh ? [] : [".PP"]), line);
    this.#fresh = false;
    return this;
  }

  /** A paragraph; lines that begin with "- " in it are items of a list. */
  paragraph(text: string): this {
    for (const part of text.split(/\n\n|\n(?=- )/)) {
      if (part.startsWith("- ")) this.#lines.push(".IP \\(bu 2", ...filled(prose(part.slice(2))));
      else this.#lines.push(...(this.#fresh ? [] : [".PP"]), ...filled(prose(part)));
      this.#fresh = false;
    }
    return this;
  }

  /** A term with what it means below it. */
  item(term: string, text: string): this {
    const [first = "", ...more] = text.split(/\n\n|\n(?=- )/);
    this.#lines.push(".TP 7", term, ...filled(prose(first)));
    for (const part of more) {
      const bullet = part.startsWith("- ");
      this.#lines.push('.IP "" 7', ...filled(bullet ? `\\(bu ${prose(part.slice(2))}` : prose(part)));
    }
    this.#fresh = false;
    return this;
  }

  /** Lines that stay as they are. */
  example(lines: readonly string[]): this {
    const code = lines.map((line) => guarded(escaped(line, true)));
    this.#lines.push(...(this.#fresh ? [] : [".PP"]), ".RS 4", ".EX", ...code, ".EE", ".RE");
    this.#fresh = false;
    return this;
  }

  /** The whole page, as roff. */
  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  #heading(macro: string, title: string): this {
    this.#lines.push(`${macro} ${argument(title)}`);
    this.#fresh = true;
    return this;
  }
}

/** Code in bold, whose words are not hyphenated. */
export function literal(code: string): string {
  return `\\fB${unbroken(code)}\\fR`;
}

/** What stands for something else, in italics. */
export function placeholder(name: string): string {
  return `\\fI${unbroken(name)}\\fR`;
}

function unbroken(code: string): string {
  return escaped(code, true).replaceAll(/(?<=^| )(?=\S)/g, "\\%");
}

/** Text with code between backquotes. */
function prose(text: string): string {
  const parts = text.split("`");
  // An odd backquote is one.
  if (parts.length % 2 === 0) return escaped(text, false);
  return parts.map((part, i) => (i % 2 === 1 ? literal(part) : escaped(part, false))).join("");
}

/** Nothing in it is taken for a command. In code, characters that typography would change stay what they are. */
function escaped(text: string, code: boolean): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll(code ? "-" : /(?<![\w)\]])-(?=[\w-])|(?<=(?<![\w)\]])-)-/g, "\\-")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("`", "\\(ga")
    .replaceAll("'", code ? "\\(aq" : "'")
    .replaceAll(
      /[^\n -~]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** A line that begins with neither "." nor "'", which would make it a command. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function argument(text: string): string {
  return `"${escaped(text, false).replaceAll('"', "\\(dq")}"`;
}

function filled(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > WIDTH) {
      lines.push(guarded(line));
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, guarded(line)];
}
