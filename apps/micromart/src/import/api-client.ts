import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../fault.ts'

export interface ApiCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly token?: string
}

/** When the shop says that this is too fast, it is done as slowly as it says. */
const MOST_TRIES = 10
const LONGEST_WAIT_S = 60

/** Calls the shop through its gateway. @throws Fault with the problem's own words */
export async function callApi<Body>(url: string, call: ApiCall): Promise<Body> {
  for (let tries = 1; ; tries += 1) {
    const response = await send(url, call)
    const text = await response.text()
    if (response.ok) return JSON.parse(text) as Body
    const waitS = isTooFast(response, text) && tries < MOST_TRIES ? Number(response.headers.get('retry-after')) : 0
    if (waitS === 0) throw new Fault(`${call.method} ${call.path} answered ${response.status}: ${problemText(text)}`)
    await pause(Math.min(waitS, LONGEST_WAIT_S) * 1_000)
  }
}

/** Of the gateway: refused before anything was done. */
const isTooFast = ({ status }: Response, text: string) => status === 429 && text.includes('"rate-limit.exceeded"')

const send = (url: string, { method, path, body, token }: ApiCall) =>
  fetch(`${url.replace(/\/$/, '')}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  }).catch((cause: unknown) => {
    throw new Fault(
      `${url} does not answer. Is the shop running there? Start it with npm start, or name it with --url.`,
      { cause },
    )
  })

function problemText(text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string }
    return `${detail ?? ''} (${code ?? 'no code'})`
  } catch {
    return text.slice(0, 200)
  }
}
