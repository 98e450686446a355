import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instanceUrl, parseAddress } from './address.ts'

const parsed = (text: string) => {
  const address = parseAddress(text)
  return address.ok ? address.value : address.error.code
}

test('the scheme of an address picks the adapter', () => {
  const consul = { kind: 'consul', service: 'user', tags: [], datacenter: undefined } as const
  for (const [text, expected] of Object.entries({
    'http://a:3001': { kind: 'static', url: 'http://a:3001' },
    'static:http://a:3001': { kind: 'static', url: 'http://a:3001' },
    'https://a': { kind: 'static', url: 'https://a' },
    'http://[::1]:3001/': { kind: 'static', url: 'http://[::1]:3001' },
    'dns:user.shop.svc:3001': { kind: 'dns', name: 'user.shop.svc', port: 3_001 },
    'dns:user.shop.svc.:80': { kind: 'dns', name: 'user.shop.svc.', port: 80 },
    'dns+srv:_http._tcp.user.shop.svc': { kind: 'dns-srv', name: '_http._tcp.user.shop.svc' },
    'consul://127.0.0.1:8500/user': { ...consul, agent: 'http://127.0.0.1:8500' },
    'consul://agent/user': { ...consul, agent: 'http://agent:8500' },
    'consul+https://agent:8501/user?tag=v2&tag=eu&dc=west': {
      ...consul,
      agent: 'https://agent:8501',
      tags: ['v2', 'eu'],
      datacenter: 'west',
    },
  }))
    assert.deepEqual(parsed(text), expected, text)
})

test('what cannot be an address is refused by name', () => {
  for (const text of [
    '',
    'http://',
    'http://a:3001/path',
    'http://a:3001?query',
    'http://user:password@a:3001',
    'http://a:99999',
    'static:',
    'static:dns:a:1',
    'dns:',
    'dns:user',
    'dns:user:0',
    'dns:user:65536',
    'dns:user:http',
    'dns:-:1',
    'dns:a b:1',
    'dns:::1:3001',
    'dns+srv:',
    'dns+srv:a/b',
    'consul:user',
    'consul://agent',
    'consul://agent/',
    'consul://agent/a/b',
    'consul://agent/user?passing=false',
    'zookeeper://a/b',
  ])
    assert.equal(parsed(text), 'discovery.bad-address', text)
})

test('no text makes it throw', () => {
  const anything = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom('http://', 'dns:', 'dns+srv:', 'consul://', 'static:'), fc.string({ maxLength: 60 }))
      .map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(anything, (text) => {
      const address = parseAddress(text)
      return address.ok || address.error.detail.includes(text)
    }),
    { numRuns: 2_000 },
  )
})

test('an instance has a base URL, with brackets around IPv6', () => {
  assert.equal(instanceUrl('10.0.0.1', 3_001), 'http://10.0.0.1:3001')
  assert.equal(instanceUrl('fd00::1', 3_001), 'http://[fd00::1]:3001')
  assert.equal(instanceUrl('[fd00::1]', 3_001), 'http://[fd00::1]:3001')
})
