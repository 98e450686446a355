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
  const pairs: [name: string, value: string][] = []
  for (const part of query.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = decoded(at < 0 ? part : part.slice(0, at))
    const value = at < 0 ? '' : decoded(part.slice(at + 1))
    if (name === undefined || value === undefined || !names.includes(name)) return undefined
    pairs.push([name, value])
  }
  // a stable sort: of a name that comes twice, the order stays, since it may mean something
  pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
