// Headers as node:http takes them at once: names in lower case and values in turn.

/** With each of those that are not there yet. */
export function withUsual(headers: string[], usual: readonly string[]): string[] {
  const { length } = headers
  for (let index = 0; index < usual.length; index += 2) {
    const name = usual[index] ?? ''
    if (!hasName(headers, name, length)) headers.push(name, usual[index + 1] ?? '')
  }
  return headers
}

export function hasName(headers: readonly string[], name: string, length = headers.length): boolean {
  for (let index = 0; index < length; index += 2) if (headers[index] === name) return true
  return false
}

export function firstOf(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return headers[index + 1]
  return undefined
}
