import type { JsonSchema } from "./document.ts";

/** A member of a body, for people. */
export interface Member {
  /** Its path, such as `retention.maxEvents` or `events[].cursor`. */
  name: string;
  /** Its type in words, such as `string, at most 200`. */
  type: string;
  isNeeded: boolean;
  /** Empty: there is nothing more to say. */
  description: string;
}

const MAX_DEPTH = 4;

/** The members of a schema, each below the one that it is in. Pure. */
export function membersOf(schema: JsonSchema, prefix = "", depth = 0): Member[] {
  if (depth > MAX_DEPTH) return [];
  const variants = schema.anyOf?.filter(({ type }) => type !== "null") ?? [];
  const inner = variants.length === 1 ? variants[0] : undefined;
  if (inner !== undefined) return membersOf(inner, prefix, depth);
  // Of one that may be this or that, each is shown with what it is.
  if (depth === 0 && variants.some(({ properties }) => properties !== undefined)) {
    return variants.flatMap((variant) => membersOf(variant, prefix, depth + 1));
  }
  if (schema.items !== undefined && schema.properties === undefined)
    return membersOf(schema.items, `${prefix}[]`, depth + 1);
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    return [
      {
        name: path,
        type: typeOf(member),
        isNeeded: schema.required?.includes(name) === true,
        description: member.description ?? "",
      },
      ...membersOf(member, path, depth + 1),
    ];
  });
}

/** A type in words. */
function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) {
    const values = schema.enum.slice(0, MAX_VALUES).map((value) => JSON.stringify(value));
    return schema.enum.length > MAX_VALUES ? `one of ${schema.enum.length} texts` : values.join(" | ");
  }
  const variants = Array.isArray(schema.type)
    ? schema.type.map((type) => ({ ...schema, type }))
    : (schema.anyOf ?? schema.oneOf);
  if (variants !== undefined) return [...new Set(variants.map(typeOf))].join(" | ");
  if (schema.type === "array") return `array of ${typeOf(schema.items ?? {})}${bounds(schema, "Items")}`;
  if (schema.type === "string") return `string${bounds(schema, "Length")}`;
  if (schema.type === "integer" || schema.type === "number") return `${schema.type}${range(schema)}`;
  return typeof schema.type === "string" ? schema.type : "anything";
}

const MAX_VALUES = 6;

function bounds(schema: JsonSchema, what: "Items" | "Length"): string {
  const [least, most] = [schema[`min${what}`], schema[`max${what}`]];
  if (most === undefined) return Number(least) > 1 ? `, at least ${group(least)}` : "";
  return Number(least) > 0 ? `, ${group(least)} to ${group(most)}` : `, at most ${group(most)}`;
}

function range(schema: JsonSchema): string {
  const above = schema["exclusiveMinimum"];
  const isWhole = schema.type === "integer";
  const least = schema["minimum"] ?? (isWhole && above !== undefined ? Number(above) + 1 : above);
  const most = schema["maximum"] ?? schema["exclusiveMaximum"];
  if (least !== undefined && most !== undefined) return `, ${group(least)} to ${group(most)}`;
  if (most !== undefined) return `, at most ${group(most)}`;
  if (least === undefined) return "";
  return `, ${isWhole || above === undefined ? "at least" : "more than"} ${group(least)}`;
}

function group(value: unknown): string {
  return Number(value).toLocaleString("en-US");
}
