import { Fault } from '../fault.ts'

export interface ApiCall {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly token?: string
}

/** Calls the shop through its gateway. @throws Fault with the problem's own words */
export async function callApi<Body>(url: string, { method, path, body, token }: ApiCall): Promise<Body> {
  const response = await fetch(`${url.replace(/\/$/, '')}${path}`, {
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
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as Body
  throw new Fault(`${method} ${path} answered ${response.status}: ${problemText(text)}`)
}

function problemText(text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string }
    return `${detail ?? ''} (${code ?? 'no code'})`
  } catch {
    return text.slice(0, 200)
  }
}
