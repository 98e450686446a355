import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import { type CsvRow, readCsvRows } from './csv-rows.ts'

const lineEnds = { LF: '\n', CRLF: '\r\n', CR: '\r' }

for (const [name, end] of Object.entries(lineEnds))
  for (const pieceSize of [1, 1000])
    test(`${name} in pieces of ${pieceSize}: records with the lines they start on`, async () => {
      const text = [
        '\uFEFFa,b',
        '1,"two',
        'lines ""said"" he"',
        '',
        '2,x',
        ',',
        '3,"a',
        '',
        '',
        'b"',
        '4,é€😀',
        '',
        '',
      ].join(end)
      const bytes = Buffer.from(text)
      const pieces = Array.from({ length: Math.ceil(bytes.length / pieceSize) }, (_, index) =>
        bytes.subarray(index * pieceSize, (index + 1) * pieceSize),
      )
      assert.deepEqual(await rowsOf(pieces), [
        cells(1, 'a', 'b'),
        cells(2, '1', 'two\nlines "said" he'),
        cells(5, '2', 'x'),
        cells(7, '3', 'a\n\n\nb'),
        cells(11, '4', 'é€😀'),
      ])
    })

test('a file may mix its line ends, and text may be cut inside a character', async () => {
  assert.deepEqual(await rowsOf(['a\r', '\nb\rc\n\ud83d', '\ude00']), [
    cells(1, 'a'),
    cells(2, 'b'),
    cells(3, 'c'),
    cells(4, '😀'),
  ])
})

describe('quotes that make no sense', () => {
  test('cost their own records, and the reading goes on', async () => {
    const lines = [
      'a,b',
      '1,x"y',
      '2,5" wide',
      '3,fine',
      '4,"p"q"',
      '5,"fine"',
      '6,"two',
      'lines"z',
      '7,lost",',
      '8,fine',
    ]
    assert.deepEqual(await rowsOf([lines.join('\r\n')]), [
      cells(1, 'a', 'b'),
      { kind: 'unreadable', line: 2, lastLine: 2, fault: 'bad-quotes' },
      { kind: 'unreadable', line: 3, lastLine: 3, fault: 'bad-quotes' },
      cells(4, '3', 'fine'),
      { kind: 'unreadable', line: 5, lastLine: 5, fault: 'bad-quotes' },
      cells(6, '5', 'fine'),
      { kind: 'unreadable', line: 7, lastLine: 9, fault: 'bad-quotes' },
      cells(10, '8', 'fine'),
    ])
  })

  test('one never closed costs the rest, and is found by its first line', async () => {
    const unclosed = { kind: 'unreadable', line: 2, fault: 'unclosed-quote' }
    for (const tail of ['', '\n'])
      assert.deepEqual(await rowsOf([`a,b\n1,"x\n2,y\n3,z${tail}`]), [cells(1, 'a', 'b'), unclosed])
  })
})

describe('a record without end', () => {
  const endless = async function* (start: string, given: { bytes: number }) {
    yield start
    for (;;) {
      given.bytes += 100_000
      yield 'line of text, with commas\n'.repeat(4000)
    }
  }

  test('stops the reading instead of filling the memory', async () => {
    const given = { bytes: 0 }
    assert.deepEqual(await rowsOf(endless('a,b\n1,2\n3,"', given)), [
      cells(1, 'a', 'b'),
      cells(2, '1', '2'),
      { kind: 'unreadable', line: 3, fault: 'record-too-long' },
    ])
    assert.ok(given.bytes < 2_000_000, `${given.bytes} bytes were read`)
  })

  test('may also be one line without any end', async () => {
    const flood = Array.from({ length: 40 }, () => 'x'.repeat(100_000))
    assert.deepEqual(await rowsOf(['a\n', ...flood]), [
      cells(1, 'a'),
      { kind: 'unreadable', line: 2, fault: 'record-too-long' },
    ])
  })

  test('a large file of short records is read to its end', async () => {
    let count = 0
    const pieces = Array.from({ length: 50 }, () => 'h,"some ""quoted"" text"\r\n'.repeat(4000))
    for await (const row of readCsvRows(Readable.from(pieces))) if (row.kind === 'cells') count += 1
    assert.equal(count, 200_000)
  })
})

const cells = (line: number, ...values: string[]): CsvRow => ({ kind: 'cells', line, cells: values })

async function rowsOf(source: AsyncIterable<string> | Iterable<Uint8Array | string>): Promise<CsvRow[]> {
  const rows: CsvRow[] = []
  for await (const row of readCsvRows(Readable.from(source))) rows.push(row)
  return rows
}
