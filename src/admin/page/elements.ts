// Elements and tables, made and kept up to date without being made anew: focus, selection and scrolling stay.

type Child = Node | string;

/** An element with attributes and what it holds. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The element of the page with this id. @throws TypeError when there is none */
export function byId(id: string): HTMLElement {
  return controlById(id, HTMLElement);
}

/** As {@link byId}, of a certain kind. */
export function controlById<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`there is no ${kind.name} ${id}`);
}

/** Sets a text where it has changed. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute where it has changed; undefined takes it away. */
export function setAttribute(node: Element, name: string, value: string | undefined): void {
  if (value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A cell: its text, how good that is, and whether it is a number. */
export interface Cell {
  readonly text: string;
  readonly tone?: "good" | "warn" | "bad" | undefined;
}

/** A column: its title, and whether it holds numbers. */
export interface Column {
  readonly title: string;
  readonly isNumber?: boolean;
}

/** A row: what it is known by, and its cells, of which the first names it. */
export interface Row {
  readonly key: string;
  readonly cells: readonly (Cell | string)[];
}

/** A table of rows that are known by a key. */
export class Table {
  readonly element: HTMLTableElement;
  readonly #body = element("tbody");
  readonly #columns: readonly Column[];
  readonly #empty: HTMLTableRowElement;
  readonly #rows = new Map<string, HTMLTableRowElement>();

  constructor(caption: string, columns: readonly Column[]) {
    this.#columns = columns;
    this.#empty = emptyRow(columns.length);
    const heads = columns.map(({ title, isNumber }) =>
      element("th", { scope: "col", ...(isNumber === true && { class: "number" }) }, title),
    );
    this.element = element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...heads)),
      this.#body,
    );
    this.show([]);
  }

  /** Shows these rows in this order. */
  show(rows: readonly Row[]): void {
    const wanted = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    if (rows.length === 0) this.#body.replaceChildren(this.#empty);
    else this.#empty.remove();
    for (const [place, { key, cells }] of rows.entries()) {
      const row = this.#rows.get(key) ?? this.#make();
      this.#rows.set(key, row);
      putAt(this.#body, place, row);
      for (const [at, cell] of cells.entries()) {
        const { text, tone } = typeof cell === "string" ? { text: cell, tone: undefined } : cell;
        setText(row.cells[at]!, text);
        setAttribute(row.cells[at]!, "data-tone", tone);
      }
    }
  }

  #make(): HTMLTableRowElement {
    const cells = this.#columns.map(({ isNumber }, at) => {
      const attributes = isNumber === true ? { class: "number" } : {};
      return at === 0 ? element("th", { scope: "row" }) : element("td", attributes);
    });
    return element("tr", {}, ...cells);
  }
}

/** The row of a table that has none. */
export function emptyRow(columns: number, text = "None yet"): HTMLTableRowElement {
  return element("tr", {}, element("td", { colspan: String(columns), class: "empty" }, text));
}

/** Moves an element to its place among the children of another, unless it is there. */
export function putAt(parent: Element, place: number, child: Element): void {
  const there = parent.children[place];
  if (there !== child) parent.insertBefore(child, there ?? null);
}
