import { type Node, stringsOf, typeNameOf, unwrap } from './ast.ts'
import type { Frame } from './expression.ts'
import { compileExpression } from './expressions.ts'
import { scopeOf } from './from.ts'
import type { Check, Column, TableDefinition, Tuple } from './tables.ts'
import { notSimulated, SqlError } from './values.ts'

type Catalogue = Map<string, TableDefinition>

/** DDL changes the catalogue, and says whether it did; what only makes a server faster, or cannot be simulated, is left out on purpose. */
const commands: Readonly<Record<string, (node: Node, catalogue: Catalogue) => boolean>> = {
  CreateStmt: createTable,
  AlterTableStmt: alterTable,
  IndexStmt: createIndex,
  // The triggers of the payment ledger are written in PL/pgSQL, which is not simulated; the checkers judge the ledger themselves.
  CreateFunctionStmt: () => false,
  CreateTrigStmt: () => false,
}

export const isDefinition = (kind: string): boolean => kind in commands

export const define = (kind: string, node: Node, catalogue: Catalogue): boolean =>
  commands[kind]?.(node, catalogue) ?? false

const nowhere = {
  sources: [],
  subquery: () => {
    throw notSimulated('a query in a definition')
  },
}
const noFrame = (tuple: Tuple = []): Frame => ({
  items: [{ tuple }],
  parameters: [],
  around: { now: Date.now } as Frame['around'],
})

function createTable(
  { relation: { relname }, tableElts, if_not_exists: lenient }: Node,
  catalogue: Catalogue,
): boolean {
  if (catalogue.has(relname)) {
    if (lenient) return false
    throw new SqlError('42P07', `relation "${relname}" already exists`)
  }
  const definition: TableDefinition = { name: relname, columns: [], checks: [], uniques: [], foreignKeys: [] }
  catalogue.set(relname, definition)
  const elements = (tableElts as readonly Node[]).map(unwrap)
  const columns = elements.flatMap(([kind, fields]) => (kind === 'ColumnDef' ? [fields] : []))
  for (const column of columns) addColumn(definition, column)
  for (const column of columns) addOwnConstraints(definition, column)
  for (const [kind, fields] of elements) if (kind === 'Constraint') addConstraint(definition, fields)
  return true
}

function addOwnConstraints(definition: TableDefinition, { constraints = [], colname }: Node) {
  for (const { Constraint } of constraints) addConstraint(definition, Constraint, colname)
}

function addColumn(definition: TableDefinition, { colname, typeName, constraints = [] }: Node) {
  const kinds = (constraints as readonly Node[]).map(({ Constraint }) => Constraint.contype as string)
  const fallback = (constraints as readonly Node[]).find(({ Constraint }) => Constraint.contype === 'CONSTR_DEFAULT')
  const generated = kinds.includes('CONSTR_GENERATED')
  const value = fallback && compileExpression(fallback['Constraint'].raw_expr, nowhere)
  const column: Column = {
    name: colname,
    type: typeNameOf(typeName),
    notNull: !generated && (kinds.includes('CONSTR_NOTNULL') || kinds.includes('CONSTR_PRIMARY')),
    identity: kinds.includes('CONSTR_IDENTITY'),
    ...(value ? { defaultValue: () => value.evaluate(noFrame()) } : {}),
  }
  definition.columns.push(column)
}

function addConstraint(definition: TableDefinition, constraint: Node, column?: string) {
  const { name: table, checks, uniques, foreignKeys } = definition
  const names: readonly string[] = constraint['keys']
    ? stringsOf(constraint['keys'])
    : column === undefined
      ? []
      : [column]
  const at = (name: string) => definition.columns.findIndex((candidate) => candidate.name === name)
  const middle = column === undefined ? names.join('_') : column
  switch (constraint['contype']) {
    case 'CONSTR_PRIMARY':
      uniques.unshift({ name: constraint['conname'] ?? `${table}_pkey`, columns: names.map(at) })
      break
    case 'CONSTR_UNIQUE':
      uniques.push({ name: constraint['conname'] ?? `${table}_${middle}_key`, columns: names.map(at) })
      break
    case 'CONSTR_CHECK':
      checks.push(
        checkOf(definition, constraint, constraint['conname'] ?? `${table}_${middle ? `${middle}_` : ''}check`),
      )
      break
    case 'CONSTR_FOREIGN':
      foreignKeys.push({
        name: `${table}_${middle}_fkey`,
        column: at(column ?? stringsOf(constraint['fk_attrs'])[0] ?? ''),
        table: constraint['pktable'].relname,
      })
      break
    default:
  }
}

function checkOf({ name: alias, columns }: TableDefinition, { raw_expr: expression }: Node, name: string): Check {
  const { evaluate } = compileExpression(
    expression,
    scopeOf({ catalogue: new Map(), named: new Map(), query: nowhere.subquery }, [{ alias, columns }]),
  )
  return { name, holds: (tuple) => evaluate(noFrame(tuple)) }
}

function alterTable({ relation: { relname }, cmds }: Node, catalogue: Catalogue): boolean {
  const definition = catalogue.get(relname)
  if (!definition) throw new SqlError('42P01', `relation "${relname}" does not exist`)
  for (const {
    AlterTableCmd: { subtype, def, name },
  } of cmds as readonly Node[]) {
    if (subtype === 'AT_AddColumn') {
      addColumn(definition, def.ColumnDef)
      addOwnConstraints(definition, def.ColumnDef)
    } else if (subtype === 'AT_AddConstraint') addConstraint(definition, def.Constraint)
    else if (subtype === 'AT_DropConstraint') dropConstraint(definition, name)
    else if (subtype === 'AT_DropNotNull') allowNull(definition, name)
    else if (subtype !== 'AT_SetRelOptions') throw notSimulated(subtype)
  }
  return true
}

function dropConstraint({ name: table, checks, uniques, foreignKeys }: TableDefinition, name: string) {
  for (const constraints of [checks, uniques, foreignKeys] as { readonly name: string }[][]) {
    const at = constraints.findIndex((constraint) => constraint.name === name)
    if (at >= 0) return void constraints.splice(at, 1)
  }
  throw new SqlError('42704', `constraint "${name}" of relation "${table}" does not exist`)
}

function allowNull({ columns }: TableDefinition, name: string) {
  const at = columns.findIndex((column) => column.name === name)
  const column = columns[at]
  if (column) columns[at] = { ...column, notNull: false }
}

function createIndex(
  { unique, relation: { relname }, idxname, indexParams, whereClause }: Node,
  catalogue: Catalogue,
): boolean {
  if (!unique) return false
  if (whereClause) throw notSimulated('a partial unique index')
  const definition = catalogue.get(relname)
  const columns = (indexParams as readonly Node[]).map(({ IndexElem }) =>
    (definition as TableDefinition).columns.findIndex(({ name }) => name === IndexElem.name),
  )
  definition?.uniques.push({ name: idxname, columns })
  return true
}
