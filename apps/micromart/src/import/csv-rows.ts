import { pipeline, Readable } from 'node:stream'
import { type Options, parse } from 'csv-parse'

/** The bytes or text of a file, in pieces of any size. */
export type TextSource = Readable | AsyncIterable<Uint8Array | string>

/** One record that is not blank, or a stretch of the file where the quotes make no sense. Lines count from 1. */
export type CsvRow =
  | { readonly kind: 'cells'; readonly line: number; readonly cells: readonly string[] }
  | { readonly kind: 'unreadable'; readonly line: number; readonly lastLine?: number; readonly fault: CsvFault }

type CsvFault = 'bad-quotes' | 'unclosed-quote' | 'record-too-long'

interface Damage {
  readonly line: number
  readonly fault: CsvFault
}

/** What one call of the parser's on_record hands on: a record and the damage found before it. */
interface ReadRecord {
  readonly line: number
  readonly cells: readonly string[]
  readonly damageBefore: readonly Damage[]
}

interface Progress {
  /** Bytes handed to the parser since it last finished a record: what an unclosed quote may pile up in memory. */
  bytesSinceRecord: number
  cutOff: boolean
}

const longestRecordBytes = 1024 * 1024
const pieceBytes = 64 * 1024

/**
 * Records of a CSV text (RFC 4180, UTF-8, with or without BOM) with the line each starts on. LF, CRLF and lone CR all end
 * a record; inside a quoted cell they become LF. Bytes that are not UTF-8 become U+FFFD. Blank records are skipped.
 * A record over 1 MiB ends the reading, so that one forgotten quote cannot fill the memory.
 */
export async function* readCsvRows(source: TextSource): AsyncGenerator<CsvRow> {
  const progress: Progress = { bytesSinceRecord: 0, cutOff: false }
  let damage: Damage[] = []
  const note = (found: Damage) => {
    // One malformed record can raise several errors: the first names it.
    if (damage.at(-1)?.line === found.line) return
    progress.bytesSinceRecord = 0
    damage.push(found)
  }
  const options: Options<ReadRecord, { record: string[]; raw: string }> = {
    bom: true,
    raw: true,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_records_with_error: true,
    on_skip: (error, raw) => {
      if (!error) return
      const line = Number(error['lines']) - lineBreaks((raw ?? '').slice(0, -1))
      note({ line, fault: faultOf(error.code, progress) })
    },
    on_record: ({ record, raw }, { lines }) => {
      const line = lines - record.reduce((sum, cell) => sum + lineBreaks(cell), 0)
      progress.bytesSinceRecord = 0
      if (progress.cutOff && !raw.endsWith('\n')) {
        note({ line, fault: 'record-too-long' })
        return null
      }
      const damageBefore = damage
      damage = []
      return { line, cells: record, damageBefore }
    },
  }
  // The library's types do not foresee that on_record changes the shape of a record.
  const parser = parse(options as unknown as Options)
  // A failing source destroys the parser with the same error, and the loop below throws it.
  pipeline(Readable.from(parserInput(source, progress)), parser, () => {})
  for await (const { line, cells, damageBefore } of parser as AsyncIterable<ReadRecord>) {
    yield* unreadable(damageBefore, line)
    if (cells.some((cell) => cell.trim() !== '')) yield { kind: 'cells', line, cells }
  }
  yield* unreadable(damage)
}

/** Decoded, line ends made equal, in pieces small enough to stop in time. */
async function* parserInput(source: TextSource, progress: Progress): AsyncGenerator<Uint8Array> {
  for await (const text of unixText(source)) {
    const bytes = Buffer.from(text)
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      if (progress.bytesSinceRecord > longestRecordBytes) {
        progress.cutOff = true
        return
      }
      const piece = bytes.subarray(start, start + pieceBytes)
      progress.bytesSinceRecord += piece.length
      yield piece
    }
  }
}

async function* unixText(source: TextSource): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let held = ''
  for await (const chunk of source as AsyncIterable<Uint8Array | string>) {
    const text = held + (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }))
    // A CR may be half of a CRLF, a high surrogate half of a character: wait for the other half.
    held = /[\r\uD800-\uDBFF]$/.exec(text)?.[0] ?? ''
    yield text.slice(0, text.length - held.length).replace(/\r\n?/g, '\n')
  }
  yield (held + decoder.decode()).replace(/\r\n?/g, '\n')
}

const faultOf = (code: string, { cutOff }: Progress): CsvFault => {
  if (code !== 'CSV_QUOTE_NOT_CLOSED') return 'bad-quotes'
  return cutOff ? 'record-too-long' : 'unclosed-quote'
}

function* unreadable(damage: readonly Damage[], nextLine?: number): Generator<CsvRow> {
  for (const [index, { line, fault }] of damage.entries()) {
    const next = damage[index + 1]?.line ?? nextLine
    yield { kind: 'unreadable', line, fault, ...(next === undefined ? {} : { lastLine: next - 1 }) }
  }
}

const lineBreaks = (text: string): number => {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
  return count
}
