import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { base32, newTotpSecret, totpCode, totpStepAt, totpStepOf, totpUri } from './totp.ts'

const secret = Buffer.from('12345678901234567890')

describe('one-time codes', () => {
  test('the codes of RFC 4226, appendix D', () => {
    const codes = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489']
    assert.deepEqual(
      codes.map((_, counter) => totpCode(secret, counter)),
      codes,
    )
  })

  test('the codes of RFC 6238, appendix B', () => {
    const table = [
      [59, '94287082'],
      [1_111_111_109, '07081804'],
      [1_111_111_111, '14050471'],
      [1_234_567_890, '89005924'],
      [2_000_000_000, '69279037'],
      [20_000_000_000, '65353130'],
    ] as const
    for (const [seconds, code] of table)
      assert.equal(totpCode(secret, totpStepAt(new Date(seconds * 1_000)), 8), code, String(seconds))
  })

  test('a code is good one step around its own and no further', () => {
    const at = new Date('2026-11-21T12:00:10Z')
    const step = totpStepAt(at)
    const stepOf = (code: string, lastStep = 0) => totpStepOf(code, { secret, lastStep, at })
    for (const near of [-1, 0, 1]) assert.equal(stepOf(totpCode(secret, step + near)), step + near)
    for (const far of [-3, -2, 2, 3]) assert.equal(stepOf(totpCode(secret, step + far)), undefined)
  })

  test('a step that was used, and those before it, are used up', () => {
    const at = new Date('2026-11-21T12:00:10Z')
    const step = totpStepAt(at)
    const stepOf = (code: string) => totpStepOf(code, { secret, lastStep: step, at })
    assert.equal(stepOf(totpCode(secret, step)), undefined)
    assert.equal(stepOf(totpCode(secret, step - 1)), undefined)
    assert.equal(stepOf(totpCode(secret, step + 1)), step + 1)
  })

  test('what is no code is wrong, and not an error', () => {
    for (const code of ['', '12345', '1234567', 'abcdef', '１２３４５６', '      ', '🔑🔑🔑'])
      assert.equal(totpStepOf(code, { secret, lastStep: 0, at: new Date(59_000) }), undefined, code)
  })

  test('base32 as in RFC 4648, section 10, without padding', () => {
    const table = {
      '': '',
      f: 'MY',
      fo: 'MZXQ',
      foo: 'MZXW6',
      foob: 'MZXW6YQ',
      fooba: 'MZXW6YTB',
      foobar: 'MZXW6YTBOI',
    }
    for (const [text, code] of Object.entries(table)) assert.equal(base32(Buffer.from(text)), code)
  })

  test('the URI for authenticator apps', () => {
    assert.equal(
      totpUri({ secret, shop: 'My Shop', account: 'ada@example.com' }),
      'otpauth://totp/My%20Shop:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20Shop&algorithm=SHA1&digits=6&period=30',
    )
    const [one, other] = [newTotpSecret(), newTotpSecret()]
    assert.equal(one.length, 20)
    assert.notDeepEqual(one, other)
  })
})
