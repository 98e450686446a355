/** A browser as far as sign-in needs one: it keeps cookies per host and follows redirects one at a time. */
export interface Browser {
  /** Goes there, without following what it answers. */
  go(url: string, init?: RequestInit): Promise<Response>
  /** Follows redirects until one leads to an address that begins with `stopAt`, which is not gone to. */
  followTo(url: string, stopAt: string): Promise<string>
  cookies(url: string): string
}

export function openBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string) => {
    const { origin } = new URL(url)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }
  const cookies = (url: string) => [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')

  const go: Browser['go'] = async (url, init = {}) => {
    const headers = new Headers(init.headers)
    if (cookies(url) !== '') headers.set('cookie', cookies(url))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const [name = '', ...value] = pair.split('=')
      const isGone = attributes.some((attribute) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(attribute))
      if (isGone) jarOf(url).delete(name)
      else jarOf(url).set(name, value.join('='))
    }
    return response
  }

  return {
    go,
    cookies,
    followTo: async (start, stopAt) => {
      let url = start
      for (let hops = 0; hops < 10; hops += 1) {
        if (url.startsWith(stopAt)) return url
        const response = await go(url)
        const location = response.headers.get('location')
        if (!location) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
        await response.body?.cancel()
        url = new URL(location, url).href
      }
      throw new Error('Too many redirects')
    },
  }
}
