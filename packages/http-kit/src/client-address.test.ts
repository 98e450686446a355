import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { clientBehind, forwardedAddress, limitKey, networkFaults, trustedProxies } from './client-address.ts'

const ours = trustedProxies(['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])

describe('the client behind proxies', () => {
  test('a peer that is not ours speaks for itself alone, whatever it says', () => {
    for (const said of ['10.0.0.1', '203.0.113.9, 10.0.0.1', 'unknown', '', undefined])
      assert.equal(clientBehind('198.51.100.1', said, ours), '198.51.100.1')
    assert.equal(clientBehind('198.51.100.1', '203.0.113.9', trustedProxies([])), '198.51.100.1')
  })

  test('behind one of ours it is the last one that is not', () => {
    const cases = [
      ['203.0.113.9', '203.0.113.9'],
      ['1.2.3.4, 203.0.113.9', '203.0.113.9'],
      ['1.2.3.4, 203.0.113.9, 10.9.9.9,192.0.2.7', '203.0.113.9'],
      ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
      ['2001:db8::5', '2001:db8::5'],
      ['[2001:DB8::5]:4711', '2001:db8::5'],
      ['203.0.113.9:4711', '203.0.113.9'],
      ['::ffff:203.0.113.9', '203.0.113.9'],
    ] as const
    for (const [said, client] of cases) assert.equal(clientBehind('::ffff:10.0.0.1', said, ours), client, said)
    assert.equal(clientBehind('fd00::1', '203.0.113.9', ours), '203.0.113.9')
  })

  test('what is no address is not believed, nor what stands before it', () => {
    for (const said of ['', 'unknown', '1.2.3.4, unknown', '1.2.3.4, 999.1.1.1', '1.2.3.4,', '1.2.3.4, _hidden'])
      assert.equal(clientBehind('10.0.0.1', said, ours), '10.0.0.1', said)
    assert.equal(clientBehind('10.0.0.1', '1.2.3.4, nonsense, 10.0.0.2', ours), '10.0.0.2')
  })

  test('whatever a client writes, it is counted under the address that our proxy saw', () => {
    const lie = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('10.0.0.1'))
    fc.assert(
      fc.property(fc.array(lie, { maxLength: 40 }), (lies) => {
        assert.equal(clientBehind('10.0.0.1', [...lies, '203.0.113.9'].join(', '), ours), '203.0.113.9')
      }),
    )
  })

  test('a chain without end is not followed', () => {
    const endless = Array(1_000).fill('10.0.0.3').join(',')
    assert.equal(clientBehind('10.0.0.1', `203.0.113.9,${endless}`, ours), '10.0.0.3')
  })

  test('faults of the list are named', () => {
    assert.deepEqual(networkFaults(['10.0.0.0/8', '::1', 'fd00::/8', '192.0.2.1']), [])
    const wrong = ['10.0.0.0/33', 'fd00::/129', 'proxy', '10.0.0.0/8/9', '', '10.0.0.0/-1']
    assert.equal(networkFaults(wrong).length, wrong.length)
  })
})

test('inside of the house the last address of the header is the client', () => {
  assert.equal(forwardedAddress({ 'x-forwarded-for': '203.0.113.9' }), '203.0.113.9')
  assert.equal(forwardedAddress({ 'x-forwarded-for': '1.2.3.4, 203.0.113.9' }), '203.0.113.9')
  for (const headers of [{}, { 'x-forwarded-for': '' }, { 'x-forwarded-for': 'a secret' }])
    assert.equal(forwardedAddress(headers), undefined)
})

test('IPv6 is counted by its network, however it is written', () => {
  const spellings = ['2001:db8:0:1::5', '2001:0DB8:0000:0001::ffff', '2001:db8::1:0:0:0:9', '2001:db8:0:1:1:2:3:4']
  assert.deepEqual(new Set(spellings.map(limitKey)), new Set(['2001:db8:0:1::/64']))
  assert.equal(limitKey('::1'), '0:0:0:0::/64')
  assert.equal(limitKey('64:ff9b::192.0.2.1'), '64:ff9b:0:0::/64')
  assert.equal(limitKey('fe80::1%eth0'), 'fe80:0:0:0::/64')
  assert.equal(limitKey('203.0.113.9'), '203.0.113.9')
  fc.assert(fc.property(fc.ipV6(), (address) => assert.match(limitKey(address), /^(?:[0-9a-f]{1,4}:){4}:\/64$/)))
})
