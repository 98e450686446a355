import { loadModule, parseSync } from 'libpg-query'

/** A node of PostgreSQL's own parse tree as JSON: one key that names its kind, fields as the server's sources document them. */
// biome-ignore lint/suspicious/noExplicitAny: the tree's hundreds of node types are the server's, and are told apart by their keys
export type Node = Readonly<Record<string, any>>

await loadModule()

/** The one statement of a text. @throws what PostgreSQL's own parser says */
export function parse(text: string): { readonly kind: string; readonly node: Node } {
  const { stmts = [] } = parseSync(text) as { stmts?: readonly { stmt: Node }[] }
  const entry = Object.entries(stmts[0]?.stmt ?? {})[0]
  if (!entry || stmts.length !== 1) throw new Error(`One statement at a time: ${text}`)
  return { kind: entry[0], node: entry[1] as Node }
}

/** `[kind, fields]` of a node that is wrapped in its kind. */
export function unwrap(node: Node): readonly [kind: string, fields: Node] {
  const entry = Object.entries(node)[0]
  if (!entry) throw new Error('An empty node')
  return [entry[0], entry[1] as Node]
}

export const stringsOf = (nodes: readonly Node[] = []): readonly string[] =>
  nodes.map((node) => (node['String']?.sval as string | undefined) ?? '')

/** `int4`, `timestamptz`, `text[]`: a type's short name. */
export function typeNameOf(node: Node): string {
  const name = stringsOf(node['names']).at(-1) ?? 'unknown'
  return node['arrayBounds'] ? `${name}[]` : name
}
