import { SqlError, type SqlType, type Value } from './values.ts'

export type Tuple = readonly Value[]

export interface Column {
  readonly name: string
  readonly type: SqlType
  readonly notNull: boolean
  readonly identity: boolean
  /** Evaluated for a column that an INSERT leaves out. */
  readonly defaultValue?: () => Value
}

/** A CHECK: null (unknown) passes, as SQL says. */
export interface Check {
  readonly name: string
  readonly holds: (tuple: Tuple) => Value
}

/** A primary key, UNIQUE constraint or unique index. */
export interface Unique {
  readonly name: string
  readonly columns: readonly number[]
}

export interface ForeignKey {
  readonly name: string
  readonly column: number
  readonly table: string
}

/** What DDL has said about a table; the same for every copy of the database. */
export interface TableDefinition {
  readonly name: string
  readonly columns: Column[]
  readonly checks: Check[]
  readonly uniques: Unique[]
  readonly foreignKeys: ForeignKey[]
}

/** Who holds locks: a session of the server. */
export interface Holder {
  readonly id: number
}

/**
 * One row with the versions that matter: what is committed, and what the transaction that holds its lock has made of it. Readers see the
 * former, its holder the latter: READ COMMITTED.
 */
export interface Row {
  committed: Tuple | undefined
  pending: { readonly tuple: Tuple | undefined } | undefined
  lockedBy: Holder | undefined
}

export interface Table {
  readonly definition: TableDefinition
  readonly rows: Set<Row>
  nextIdentity: number
}

/** The statement cannot go on before this holder has finished; it is then run again. */
export class MustWait {
  readonly holder: Holder
  constructor(holder: Holder) {
    this.holder = holder
  }
}

/** One change, so that a statement or transaction can be taken back. */
interface Change {
  readonly table: Table
  readonly row: Row
  readonly before: Row['pending']
}

/** The rows that one transaction has locked or changed. */
export class WriteSet {
  readonly holder: Holder
  #changes: Change[] = []
  #locked = new Map<Row, Table>()

  constructor(holder: Holder) {
    this.holder = holder
  }

  visible(row: Row): Tuple | undefined {
    return row.lockedBy === this.holder && row.pending ? row.pending.tuple : row.committed
  }

  /** @throws MustWait when another transaction holds the row */
  lock(table: Table, row: Row): void {
    if (row.lockedBy === this.holder) return
    if (row.lockedBy) throw new MustWait(row.lockedBy)
    row.lockedBy = this.holder
    this.#locked.set(row, table)
  }

  insert(table: Table, tuple: Tuple): void {
    this.#check(table, tuple, undefined)
    const row: Row = { committed: undefined, pending: undefined, lockedBy: undefined }
    table.rows.add(row)
    this.lock(table, row)
    this.#change(table, row, tuple)
  }

  /** The row must be locked. `undefined` deletes it. */
  replace(table: Table, row: Row, tuple: Tuple | undefined): void {
    if (tuple) this.#check(table, tuple, row)
    this.#change(table, row, tuple)
  }

  /** The row that already has this tuple's key under the constraint. @throws MustWait while that is undecided */
  conflicting(table: Table, unique: Unique, { tuple, self }: { tuple: Tuple; self: Row | undefined }): Row | undefined {
    if (unique.columns.some((column) => tuple[column] === null)) return undefined
    const sameKey = (other: Tuple | undefined) =>
      other !== undefined && unique.columns.every((at) => other[at] === tuple[at])
    for (const row of table.rows) {
      if (row === self) continue
      const isForeign = row.pending !== undefined && row.lockedBy !== this.holder
      if (isForeign && (sameKey(row.pending?.tuple) || sameKey(row.committed)))
        throw new MustWait(row.lockedBy as Holder)
      if (!isForeign && sameKey(this.visible(row))) return row
    }
    return undefined
  }

  mark(): number {
    return this.#changes.length
  }

  /** Takes back every change since the mark; locks stay, as they do on the server. */
  rewind(mark: number): void {
    while (this.#changes.length > mark) {
      const { table, row, before } = this.#changes.pop() as Change
      row.pending = before
      if (row.committed === undefined && before === undefined) this.#forget(table, row)
    }
  }

  commit(): void {
    for (const [row, table] of this.#locked) {
      if (row.pending) row.committed = row.pending.tuple
      row.pending = undefined
      row.lockedBy = undefined
      if (row.committed === undefined) table.rows.delete(row)
    }
    this.#clear()
  }

  rollback(): void {
    this.rewind(0)
    for (const row of this.#locked.keys()) row.lockedBy = undefined
    this.#clear()
  }

  #clear() {
    this.#changes = []
    this.#locked = new Map()
  }

  #forget(table: Table, row: Row) {
    table.rows.delete(row)
    this.#locked.delete(row)
  }

  #change(table: Table, row: Row, tuple: Tuple | undefined) {
    this.#changes.push({ table, row, before: row.pending })
    row.pending = { tuple }
  }

  #check(table: Table, tuple: Tuple, self: Row | undefined) {
    const { name, columns, checks, uniques } = table.definition
    for (const [index, column] of columns.entries())
      if (column.notNull && tuple[index] === null)
        throw new SqlError('23502', `null value in column "${column.name}" of relation "${name}"`)
    for (const check of checks)
      if (check.holds(tuple) === false)
        throw new SqlError('23514', `new row for relation "${name}" violates check constraint "${check.name}"`, {
          constraint: check.name,
        })
    const before = self && this.visible(self)
    for (const unique of uniques)
      if (!unique.columns.every((at) => before?.[at] === tuple[at]) && this.conflicting(table, unique, { tuple, self }))
        throw new SqlError('23505', `duplicate key value violates unique constraint "${unique.name}"`, {
          constraint: unique.name,
        })
  }
}
