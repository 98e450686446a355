/**
 * Why a real-server suite is skipped, for node:test's `skip`; false when the server is there.
 * With MICROMART_REQUIRE_SERVERS=1 (as in CI) a missing server is a failure instead.
 */
export function skipWithout(server: object): string | false {
  if (!('unavailable' in server)) return false
  if (process.env['MICROMART_REQUIRE_SERVERS'] === '1') throw new Error(`Required, but ${String(server.unavailable)}`)
  return String(server.unavailable)
}
