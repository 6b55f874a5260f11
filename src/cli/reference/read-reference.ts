// Reads the reference of the options from the types that configs are checked by: the one text of both is the doc comments.
import { join } from "node:path";
import type * as t from "@babel/types";
import { type Declaration, Declarations, docOf, type SourceFile } from "./declarations.ts";
import type { Reference, ReferenceFunction, ReferenceObject, ReferenceOption } from "./reference.ts";
import { argumentsOf, HIDDEN, type Parameters, parametersOf, sourceOf, typeText, VALUE_TYPES } from "./type-text.ts";

const SOURCES = join(import.meta.dir, "../..");

/** An object type that a value may be: a declared one, or one that is written where it is used. */
interface Found {
  readonly declared: Declaration | undefined;
  readonly members: readonly t.TSTypeElement[];
  readonly file: SourceFile;
  readonly parameters: Parameters;
  /** What the path gets behind the option's name: ".NAME" where the user gives the names. */
  readonly behind: string;
}

/** The reference of this version. Needs the sources: the build reads it, and puts what it has read into the executable. */
export function readReference(): Reference {
  return new Reader().read();
}

/** An option while it is gathered: in how many variants of its object it must stand. */
interface DraftOption extends Omit<ReferenceOption, "required" | "see"> {
  requiredIn: number;
  /** Where each object is told is known when all have been. */
  readonly see: readonly { readonly declared: Declaration | undefined; readonly place: string }[];
}

/** An object while it is gathered. */
interface Draft {
  readonly path: string;
  readonly texts: string[];
  readonly options: DraftOption[];
  readonly also: string[];
  variants: number;
}

class Reader {
  readonly #declarations = new Declarations();
  readonly #objects: Draft[] = [];
  /** Where a declared type is told. */
  readonly #told = new Map<Declaration, string>();

  read(): Reference {
    const options = this.#declarations.file(join(SOURCES, "config/options.ts"));
    const config = this.#declarations.find("GatewayOptions", options)!;
    this.#tell("", this.#asFound(config, ""));
    const functions = this.#functions();
    const values = VALUE_TYPES.map((name) => {
      const { text } = this.#declarations.find(name, this.#declarations.file(join(SOURCES, "mod.ts")))!;
      // It is shown as what is written.
      return { name: name === "Hidden" ? HIDDEN : name, text };
    });
    return { objects: this.#objects.map((each) => this.#finished(each)), functions, values };
  }

  /** Adds an object to what is told, and all that is below it. */
  #tell(path: string, found: Found): void {
    if (found.declared !== undefined) this.#told.set(found.declared, path);
    let object = this.#objects.find((each) => each.path === path);
    if (object === undefined) this.#objects.push((object = draft(path)));
    const text = found.declared?.text ?? "";
    if (text !== "" && !object.texts.includes(text)) object.texts.push(text);
    object.variants += 1;
    this.#addOptions(found, object);
  }

  /** Adds what an object has, of its own and of what it extends. What a variant forbids (`never`) is left out. */
  #addOptions(found: Found, object: Draft): void {
    const { path, options } = object;
    const below: (() => void)[] = [];
    for (const member of found.members) {
      if (member.type !== "TSPropertySignature" || member.key.type !== "Identifier") continue;
      const type = member.typeAnnotation?.typeAnnotation;
      if (type === undefined || type.type === "TSNeverKeyword") continue;
      const { name } = member.key;
      const inner = this.#objectsIn(type, found.file, found.parameters, "");
      const place = path === "" ? name : `${path}.${name}`;
      const see = inner.map(({ declared, behind }) => ({ declared, place: place + behind }));
      const text = [docOf(member), this.#aliasText(type, found.file)].filter((each) => each !== "").join("\n\n");
      let option = options.find((each) => each.name === name && each.text === text);
      if (option === undefined) {
        const shown = typeText(type, found.file, this.#declarations, found.parameters);
        options.push((option = { name, type: shown, text, see, requiredIn: 0 }));
      }
      if (member.optional !== true) option.requiredIn += 1;
      for (const each of inner) {
        below.push(() => {
          if (each.declared === undefined || !this.#told.has(each.declared)) this.#tell(place + each.behind, each);
        });
      }
    }
    for (const base of this.#basesOf(found)) {
      const told = this.#told.get(base.declared!);
      if (told === undefined) this.#addOptions(base, object);
      else if (!object.also.includes(told)) object.also.push(told);
    }
    for (const tell of below) tell();
  }

  /** The doc comment of a type that has a name, beside the option's own. */
  #aliasText(type: t.TSType, file: SourceFile): string {
    if (type.type !== "TSTypeReference") return "";
    const found = this.#declarations.find(sourceOf(type.typeName, file), file);
    return found?.node.type !== "TSTypeAliasDeclaration" || VALUE_TYPES.includes(found.name) ? "" : found.text;
  }

  #basesOf({ declared }: Found): Found[] {
    if (declared?.node.type !== "TSInterfaceDeclaration") return [];
    return (declared.node.extends ?? []).flatMap((base) => {
      const name = sourceOf("expression" in base ? base.expression : base, declared.file);
      const found = this.#declarations.find(name.replace(/<.*/, ""), declared.file);
      return found === undefined ? [] : [this.#asFound(found, "")];
    });
  }

  #asFound(declared: Declaration, behind: string): Found {
    const members = declared.node.type === "TSInterfaceDeclaration" ? declared.node.body.body : [];
    return { declared, members, file: declared.file, parameters: parametersOf(declared), behind };
  }

  /** The objects that a value of the type may be, or hold. */
  #objectsIn(node: t.TSType, file: SourceFile, parameters: Parameters, behind: string): Found[] {
    const inside = (inner: t.TSType, more = ""): Found[] => this.#objectsIn(inner, file, parameters, behind + more);
    switch (node.type) {
      case "TSUnionType":
        return node.types.flatMap((each) => inside(each));
      case "TSParenthesizedType":
      case "TSTypeOperator":
        return inside(node.typeAnnotation);
      case "TSArrayType":
        return inside(node.elementType);
      case "TSTypeLiteral":
        return [{ declared: undefined, members: node.members, file, parameters, behind }];
      case "TSTypeReference": {
        const name = sourceOf(node.typeName, file);
        const [first, second] = argumentsOf(node);
        if (name === "Readonly" && first !== undefined) return inside(first);
        if (name === "Record" && second !== undefined) return inside(second, ".NAME");
        const found = parameters.has(name) ? undefined : this.#declarations.find(name, file);
        if (found?.node.type === "TSInterfaceDeclaration") return [this.#asFound(found, behind)];
        if (found?.node.type !== "TSTypeAliasDeclaration") return [];
        const inner = found.node.typeAnnotation;
        return this.#objectsIn(inner, found.file, parametersOf(found), behind);
      }
      default:
        return [];
    }
  }

  #finished({ path, texts, options, also, variants }: Draft): ReferenceObject {
    const whole = options.map(({ requiredIn, see, ...option }) => {
      const paths = see.map(({ declared, place }) => (declared && this.#told.get(declared)) ?? place);
      return { ...option, see: [...new Set(paths)], required: requiredIn === variants };
    });
    return { path, texts, options: whole, also };
  }

  /** The functions that src/mod.ts exports. */
  #functions(): ReferenceFunction[] {
    const mod = this.#declarations.file(join(SOURCES, "mod.ts"));
    const functions: ReferenceFunction[] = [];
    for (const [name, { type }] of mod.imported) {
      const found = type ? undefined : this.#declarations.find(name, mod);
      if (found?.node.type !== "FunctionDeclaration" && found?.node.type !== "TSDeclareFunction") continue;
      const parameters = found.node.params.flatMap((each) => {
        const identifier = each.type === "AssignmentPattern" ? each.left : each;
        return identifier.type === "Identifier" ? [identifier] : [];
      });
      const object = draft(`${name}()`);
      for (const parameter of parameters) {
        const annotation = parameter.typeAnnotation;
        if (annotation?.type !== "TSTypeAnnotation") continue;
        const objects = this.#objectsIn(annotation.typeAnnotation, found.file, parametersOf(found), "");
        // The whole config has its own place.
        if (name === "defineGateway") continue;
        object.variants = Math.max(object.variants, objects.length);
        for (const each of objects) this.#addOptions(each, object);
      }
      const called = parameters.map((each) => each.name).join(", ");
      functions.push({ name, parameters: called, text: found.text, options: this.#finished(object).options });
    }
    return functions;
  }
}

function draft(path: string): Draft {
  return { path, texts: [], options: [], also: [], variants: 0 };
}
