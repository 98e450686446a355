/** One parameter, or none, that can only be written in one way. */
const PLAIN = /^(?:([a-zA-Z]+)=[\w.-]*)?$/

/**
 * A query in the one spelling in which it is both looked up and asked for, so that nothing can be kept under another question than the one
 * the service has answered: sorted by name, each part encoded anew. Undefined when there are other names than these, or parts that
 * cannot be decoded.
 */
export function canonicalQuery(query: string, names: readonly string[]): string | undefined {
  const plain = PLAIN.exec(query)
  if (plain) return plain[1] === undefined || names.includes(plain[1]) ? query : undefined
  const pairs: Pair[] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const pair = pairOf(part)
    if (!pair || !names.includes(pair[0])) return undefined
    pairs.push(pair)
  }
  // a stable sort: of a name that comes twice, the order stays, since it may mean something
  pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
}

type Pair = readonly [name: string, value: string]

function pairOf(part: string): Pair | undefined {
  const text = part.replaceAll('+', ' ')
  const at = text.indexOf('=')
  try {
    return at < 0 ? [decoded(text), ''] : [decoded(text.slice(0, at)), decoded(text.slice(at + 1))]
  } catch {
    return undefined
  }
}

const decoded = decodeURIComponent
