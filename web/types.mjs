// Writes generated/operations.ts: the variables and the data of each operation of the pages, by ../schema/schema.graphql.
// `npm run types` runs it, and so do `npm run check` and `npm test`; the bundle needs no types.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  parse,
  typeFromAST,
} from "graphql";
import { documents } from "./documents.mjs";

/** Scalars in answers. A 64-bit integer beyond what JSON's readers know is text. */
const OUTPUT = {
  Boolean: "boolean",
  Int: "number",
  Float: "number",
  String: "string",
  ID: "string",
  BigInt: "number | string",
  DateTime: "string",
  Duration: "string",
  JSON: "unknown",
};
/** Scalars in variables. */
const INPUT = { ...OUTPUT, ID: "number | string" };
/** Fields of JSON that are always objects. */
const OBJECTS = new Set(["metadata", "payload", "result", "config"]);

class Printer {
  /** Enums and inputs that operations use, by name. */
  #named = new Map();

  constructor(schema) {
    this.schema = schema;
  }

  #leaf(type, scalars) {
    if (!isEnumType(type)) {
      const printed = scalars[type.name];
      if (printed === undefined) throw new Error(`types.mjs knows no TypeScript type for the scalar ${type.name}`);
      return printed;
    }
    this.#named.set(type.name, `export type ${type.name} = ${type.getValues().map(({ name }) => JSON.stringify(name)).join(" | ")};`);
    return type.name;
  }

  /** A type of the schema whose innermost one is printed by `named`. */
  #wrapped(type, named) {
    if (isNonNullType(type)) return this.#present(type.ofType, named);
    return `${this.#present(type, named)} | null`;
  }

  #present(type, named) {
    if (!isListType(type)) return named(type);
    return `(${this.#wrapped(type.ofType, named)})[]`;
  }

  /** The type of an answer to a selection of fields. */
  #selection({ selections }, parent) {
    const fields = selections.map((field) => {
      if (field.kind !== "Field") throw new Error("types.mjs reads no fragments");
      const { type } = parent.getFields()[field.name.value];
      const isObject = getNamedType(type).name === "JSON" && OBJECTS.has(field.name.value);
      const leaf = (inner) => (isObject ? "Record<string, unknown>" : this.#leaf(inner, OUTPUT));
      const named = (inner) => (isLeafType(inner) ? leaf(inner) : this.#selection(field.selectionSet, inner));
      return `${(field.alias ?? field.name).value}: ${this.#wrapped(type, named)}`;
    });
    return `{ ${fields.join("; ")} }`;
  }

  #input(type) {
    if (!isInputObjectType(type)) return this.#leaf(type, INPUT);
    if (!this.#named.has(type.name)) {
      // Inputs may contain themselves.
      this.#named.set(type.name, "");
      const fields = Object.values(type.getFields()).map((field) => this.#member(field.name, field.type, isRequiredInputField(field)));
      this.#named.set(type.name, `export interface ${type.name} {\n${fields.map((field) => `  ${field};\n`).join("")}}`);
    }
    return type.name;
  }

  #member(name, type, isRequired) {
    return `${name}${isRequired ? "" : "?"}: ${this.#wrapped(type, (inner) => this.#input(inner))}`;
  }

  #variables(definitions) {
    if (definitions.length === 0) return "Record<string, never>";
    const members = definitions.map(({ variable, type, defaultValue }) => {
      const given = typeFromAST(this.schema, type);
      return this.#member(variable.name.value, given, isNonNullType(given) && !defaultValue);
    });
    return `{ ${members.join("; ")} }`;
  }

  #operation(text) {
    const [{ name, operation, variableDefinitions = [], selectionSet }] = parse(text).definitions;
    const data = this.#selection(selectionSet, this.schema.getRootType(operation));
    return `  ${name.value}: {\n    variables: ${this.#variables(variableDefinitions)};\n    data: ${data};\n  };\n`;
  }

  /** The whole file. */
  print(texts) {
    const operations = texts.map((text) => this.#operation(text)).join("");
    const named = [...this.#named].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, printed]) => printed);
    const head = "// Written by types.mjs from the schema and the operations of the pages: not to be edited.";
    return [head, ...named, `export interface Operations {\n${operations}}\n`].join("\n\n");
  }
}

const schema = buildSchema(readFileSync("../schema/schema.graphql", "utf8"));
const constants = (await documents()).filter(({ isConstant }) => isConstant);
const twice = constants.find(({ name }, index) => constants.findIndex((other) => other.name === name) !== index);
if (twice) throw new Error(`two operations are called ${twice.name}`);
mkdirSync("generated", { recursive: true });
writeFileSync("generated/operations.ts", new Printer(schema).print(constants.map(({ text }) => text)));
