import type { BadCase, Refusal } from './case.ts'
import { CANARY, CARD_NUMBERS } from './nasty.ts'
import type { Answer } from './wire.ts'

const CODE = /^[a-z-]+\.[a-z-]+$/
const TRACE_ID = /^[0-9a-f]{32}$/

/** What would tell of the inside: stacks, files, SQL, libraries, addresses. */
const INSIDE =
  /\bat .+:\d+:\d+|\.ts\b|\.js\b|node_modules|node:|SELECT |INSERT |UPDATE |relation "|syntax error at|pg_|postgres|FST_|ERR_|ECONN|127\.0\.0\.1|localhost|ajv|fastify|undici|TypeError|RangeError|\[object /i

/** However much is wrong, an answer is short. */
const LONGEST_ANSWER = 8_192

/** Everything that is wrong with the answer to a bad request. */
export function faultsOfAnswer({ refusals }: Pick<BadCase, 'refusals'>, answer: Answer): readonly string[] {
  const body = objectIn(answer.text)
  const { code, results } = body
  const given = `${answer.status} ${answer.status === 200 ? codeOfOnly(results) : code}`
  return [
    ...(refusals.includes(given as Refusal) ? [] : [`is none of ${refusals.join(', ')}`]),
    ...(answer.status === 200 ? [] : faultsOfForm(answer, body)),
    ...faultsOfText(answer.text),
  ]
}

type Fields = Readonly<Record<string, unknown>>

/** RFC 9457, with what is ours. */
function faultsOfForm({ status, type }: Answer, body: Fields): readonly string[] {
  const faults = [
    (status < 400 || status > 499) && 'is not a 4xx',
    !type.startsWith('application/problem+json') && `has the content type ${type}`,
    !CODE.test(String(body['code'])) && 'has no stable code',
    body['type'] !== `/problems/${body['code']}` && 'has another code in its type',
    body['status'] !== status && 'has another status in its body',
    !TRACE_ID.test(String(body['traceId'])) && 'has no traceId',
  ]
  return faults.filter((fault) => fault !== false)
}

function faultsOfText(text: string): readonly string[] {
  const faults = [
    INSIDE.test(text) && 'tells of the inside',
    [CANARY, ...CARD_NUMBERS].some((secret) => text.includes(secret)) && 'repeats what is secret',
    text.length > LONGEST_ANSWER && `has ${text.length} characters`,
  ]
  return faults.filter((fault) => fault !== false)
}

/** The code of the only result of an import, if that was refused. */
function codeOfOnly(results: unknown): unknown {
  const [result] = Array.isArray(results) && results.length === 1 ? results : []
  return result?.outcome === 'refused' ? result.code : undefined
}

function objectIn(text: string): Fields {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

const ERROR = 50

/** Lines of a log that should not be there: errors, and those that hold a secret. */
export function faultsOfLog(log: string, secrets: readonly string[]): readonly string[] {
  const lines = log.split('\n').filter((line) => line !== '')
  return lines.flatMap((line) => {
    const secret = secrets.find((one) => line.includes(one))
    if (secret !== undefined) return [`holds ${secret}: ${line}`]
    return levelOf(line) >= ERROR ? [`is an error: ${line}`] : []
  })
}

/** A line that is no JSON is as bad as an error. */
const levelOf = (line: string) => Number(objectIn(line)['level'] ?? ERROR)
