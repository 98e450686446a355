/** Crockford's base 32: no I, L, O or U, so a number can be read out and typed back. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The number people see, such as `7K3QX-2M9F4`: the last 50 random bits of the order id, so it needs no counter and no table. */
export function orderNumber(orderId: string): string {
  let bits = BigInt(`0x${orderId.replaceAll('-', '').slice(-13)}`) & ((1n << 50n) - 1n)
  let text = ''
  for (let place = 0; place < 10; place++) {
    text = `${ALPHABET[Number(bits & 31n)]}${text}`
    bits >>= 5n
  }
  return `${text.slice(0, 5)}-${text.slice(5)}`
}
