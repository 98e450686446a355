// Runs one seed and prints every statement with its answer, a JSON document a line: first those that opened the shop, then `{"copied":true}`.
import { loadSimulator } from '../src/simulator/load.ts'
import { planOf } from '../src/simulator/plan.ts'

const lines: string[] = []
const RealDate = Date

/** A Date would come out as text and go in as text. */
const marked = (value: unknown): unknown =>
  value instanceof RealDate
    ? { instant: value.toISOString() }
    : Array.isArray(value)
      ? value.map(marked)
      : (value ?? null)

const simulator = await loadSimulator({
  record: (database, { values, ...statement }) =>
    lines.push(JSON.stringify({ database, ...statement, values: values.map(marked) })),
})
lines.push('{"copied":true}')
const { violations } = await simulator.run(planOf(Number(process.argv[2])))
if (violations.length > 0) throw new Error(violations.join('\n'))
process.stdout.write(`${lines.join('\n')}\n`)
