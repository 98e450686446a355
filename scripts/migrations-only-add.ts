// What an old version of a service would not survive in a migration; see docs/decisions/007-expand-and-contract.md.

const NEW_TABLE = /^CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?(\S+)/i

/** By the sentence that the author gets. `newTables` were made in the same file: no old version knows them. */
const RULES: readonly (readonly [pattern: RegExp, fault: string])[] = [
  [/\bDROP\s+(?!NOT\s+NULL|INDEX|DEFAULT)/i, 'takes something away'],
  [/\bRENAME\b/i, 'renames something'],
  [/\bALTER\s+(?:COLUMN\s+)?\S+\s+(?:SET\s+DATA\s+)?TYPE\b|^ALTER\s+TYPE\b/i, 'changes a type'],
  [/\bSET\s+NOT\s+NULL\b/i, 'makes a column mandatory'],
  [/\bADD\s+(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b/i, 'adds a constraint'],
  [/^CREATE\s+UNIQUE\s+INDEX\b/i, 'adds a unique index'],
  [/^(?:DELETE|TRUNCATE)\b/i, 'deletes rows'],
]

/** @returns a sentence for each statement of a migration that does more than add, unless a comment right above it says `-- contract: why` */
export function migrationFaults(sql: string): readonly string[] {
  const newTables = new Set<string>()
  return statementsOf(sql).flatMap(({ text, contracts }) => {
    const made = NEW_TABLE.exec(text)?.[1]
    if (made) newTables.add(nameOf(made))
    if (made || contracts || newTables.has(tableOf(text))) return []
    const fault =
      RULES.find(([pattern]) => pattern.test(text))?.[1] ??
      (addsMandatory(text) ? 'adds a mandatory column without a default' : undefined)
    return fault ? [`${fault}: ${text.replaceAll(/\s+/g, ' ').slice(0, 100)}`] : []
  })
}

const addsMandatory = (text: string) =>
  text
    .split(/,(?![^(]*\))/)
    .some(
      (part) =>
        /\bADD\s+(?:COLUMN\s+)?\S+/i.test(part) &&
        /\bNOT\s+NULL\b/i.test(part) &&
        !/\bDEFAULT\b|\bGENERATED\b/i.test(part),
    )

const tableOf = (text: string) =>
  nameOf(
    /^(?:ALTER\s+TABLE(?:\s+IF\s+EXISTS)?(?:\s+ONLY)?|CREATE\s+UNIQUE\s+INDEX\s+.*?\bON|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|DROP\s+TABLE(?:\s+IF\s+EXISTS)?)\s+([^\s(;]+)/is.exec(
      text,
    )?.[1] ?? '',
  )

const nameOf = (name: string) => name.replaceAll('"', '').replace(/\($/, '').toLowerCase()

interface Statement {
  readonly text: string
  /** The comment right above it says that it contracts, and why. */
  readonly contracts: boolean
}

/** A statement ends with a semicolon at the end of a line, outside of a body quoted with $$; the comments right above belong to it. */
function statementsOf(sql: string): readonly Statement[] {
  const statements: Statement[] = []
  let comments = ''
  let text = ''
  for (const line of [...sql.split('\n'), ';']) {
    if (text === '' && !isStatement(line)) comments = line.trim() === '' ? '' : `${comments}${line}\n`
    else text += `${line}\n`
    const insideBody = text.split('$$').length % 2 === 0
    if (text === '' || insideBody || !/;\s*(--.*)?$/.test(line)) continue
    statements.push({ text: withoutComments(text), contracts: /^--\s*contract:\s*\S/m.test(comments) })
    text = ''
    comments = ''
  }
  return statements
}

const isStatement = (line: string) => line.trim() !== '' && !line.trimStart().startsWith('--')

const withoutComments = (text: string) => text.replaceAll(/--.*$/gm, '').trim()
