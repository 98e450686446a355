import type { CoveredCase } from './abuse-case.ts'

const BAD_INPUT = 'apps/micromart/test/bad-input/bad-input.test.ts'
const PAYMENT = 'services/payment/test/payment-service.test.ts'
const COUPONS = 'services/cart/test/coupons.test.ts'
const LIMITS = 'services/gateway/test/limits.test.ts'
const GUARD = 'services/gateway/src/connection-guard.test.ts'
const KEYS = 'services/gateway/test/api-keys.test.ts'
const SOCKETS = 'services/gateway/test/web-sockets.test.ts'
const PASSWORDS = 'services/user/test/passwords.test.ts'
const SESSIONS = 'services/user/test/sessions.test.ts'

const accepted = 'the same requests without what is wrong are accepted and written (last test of the file)'
const bug = (name: string) => `npm run planted-bugs: ${name}`

/** Cases of the list that tests beside the code make already, most of them through the gateway of a whole shop. */
export const covered: readonly CoveredCase[] = [
  {
    area: 'Tokens',
    name: 'refresh replay revokes the family, also in a race',
    file: SESSIONS,
    test: 'many who use one token at the same moment: two are answered and the session ends',
    control: 'the first two uses are answered: one repeat is allowed',
  },
  {
    area: 'Tokens',
    name: 'a token that was signed with a key of before',
    file: 'services/user/test/key-rotation.test.ts',
    test: 'two instances rotate for months while tokens are made and checked all the time, and none is refused',
    control: 'tokens of keys that are still published are accepted in the same test',
  },
  {
    area: 'Tokens',
    name: 'an API key after it was revoked',
    file: KEYS,
    test: 'stops at once when it is revoked',
    control: 'it opens until then (same test)',
  },
  {
    area: 'Tokens',
    name: 'guessing API keys at any address',
    file: KEYS,
    test: 'is refused when user does not know it, is counted as a bad token, and reaches nobody',
    control: 'a key that is known is let in from the same address (next test)',
  },
  {
    area: 'Tokens',
    name: 'an API key in the hands of a service',
    file: KEYS,
    test: 'is exchanged once, and the service sees the access token and never the key',
    control: 'the service sees the Authorization header of each request (same test)',
  },
  {
    area: 'Money',
    name: 'price, total, currency, tax in the body; currency switch',
    file: BAD_INPUT,
    test: 'refuses it and writes nothing',
    control: accepted,
  },
  {
    area: 'Money',
    name: 'quantities: negative, zero, 1e21, NaN, a fraction, 2^53+1',
    file: BAD_INPUT,
    test: 'refuses it and writes nothing',
    control: accepted,
  },
  {
    area: 'Money',
    name: 'overflow',
    file: 'packages/kernel/src/money.test.ts',
    test: 'sums never mix currencies and never leave whole minor units',
    control: 'sums that fit are added in the same test',
  },
  {
    area: 'Money',
    name: 'discounts below zero',
    file: COUPONS,
    test: 'a coupon for more than the cart costs makes it free, never less',
    control: 'a smaller coupon leaves the rest to pay',
  },
  {
    area: 'Money',
    name: 'coupon race',
    file: COUPONS,
    test: '50 shoppers at once for a coupon of 10 uses: exactly 10 get it',
    control: bug('coupon-limit-after-the-fact'),
  },
  {
    area: 'Money',
    name: 'refund above captured; a cancel that races the capture',
    file: PAYMENT,
    test: 'a cancel during the capture: the money comes back',
    control: bug('no-refund-after-cancel'),
  },
  {
    area: 'Payment',
    name: 'forged signature; timestamp outside 300 s; success for another order or amount',
    file: PAYMENT,
    test: 'a forged, stale, foreign or meaningless webhook is refused and leaves nothing',
    control: bug('signature-not-checked'),
  },
  {
    area: 'Payment',
    name: 'replayed id; webhook before the reply',
    file: PAYMENT,
    test: 'a webhook that comes three times at once, beside the direct answer, counts once',
    control: bug('payment-lock-skipped'),
  },
  {
    area: 'Protocol',
    name: 'X-Forwarded-* spoofing against the limiter',
    file: LIMITS,
    test: 'whatever a client writes, it is counted and told on under its own address',
    control: 'a gateway that trusts everybody is fooled by the same lies (next test)',
  },
  {
    area: 'Protocol',
    name: 'a WebSocket handshake that is not whole, or hides another request',
    file: SOCKETS,
    test: 'whose handshake comes with something behind it, or behind a request without an answer',
    control: 'a whole one is opened (same file)',
  },
  {
    area: 'Protocol',
    name: 'a WebSocket that a page of somebody else opens',
    file: SOCKETS,
    test: 'that a page of somebody else would open',
    control: 'pages of friends open one in the same test',
  },
  {
    area: 'Exhaustion',
    name: 'hoarding of WebSockets',
    file: SOCKETS,
    test: 'when there are too many, of one address or in all; one that closes makes room',
    control: 'as many as there is room for are opened (same test)',
  },
  {
    area: 'Exhaustion',
    name: 'slow body',
    file: GUARD,
    test: 'a body that trickles is answered with 408 when patience ends, and the connection is closed for good',
    control: 'one that comes fast enough is waited for (next test)',
  },
  {
    area: 'Exhaustion',
    name: 'slow read',
    file: GUARD,
    test: 'an answer that is not read is broken off when patience ends',
    control: 'an idle connection is left alone (same file)',
  },
  {
    area: 'Exhaustion',
    name: 'slow headers; a crowd of idle connections',
    file: GUARD,
    test: 'when the house is full, one that does nothing makes room; one that works does not',
    control: 'when all of them work, nobody makes room (next test)',
  },
  {
    area: 'Exhaustion',
    name: 'login CPU',
    file: 'services/user/src/adapters/bounded-work.test.ts',
    test: 'runs two, lets one wait, refuses the rest, and goes on when a place is free',
    control: 'what there is room for runs',
  },
  {
    area: 'Exhaustion',
    name: 'hold hoarding',
    file: 'services/inventory/test/inventory-service.test.ts',
    test: 'a hold runs out; a confirmation after that takes the pieces anew or is refused',
    control: 'before its time the hold keeps the pieces (same test)',
  },
  {
    area: 'Accounts',
    name: 'credential stuffing from many addresses',
    file: 'services/user/test/sign-in-throttle-conformance.ts',
    test: 'a client that tries many accounts waits too, and signing in to one of them does not help',
    control: 'signing in forgives an account its failures (same file)',
  },
  {
    area: 'Accounts',
    name: 'enumeration by status at sign-in, to the byte',
    file: 'services/user/test/user-service.test.ts',
    test: 'a wrong password and an unknown address get the same answer to the byte',
    control: 'the right password is answered otherwise',
  },
  {
    area: 'Accounts',
    name: 'enumeration by time, at sign-in and by registering: the work is the same, piece by piece',
    file: 'services/user/src/equal-work.test.ts',
    test: 'a sign-in that fails does the same, for whatever reason it fails',
    control: 'one that succeeds does other work (same file)',
  },
  {
    area: 'Accounts',
    name: 'enumeration by opening an account and signing in to it',
    file: 'services/user/test/registration.test.ts',
    test: 'signing in tells as little: an own account that is not proven looks as one of somebody else',
    control: 'with a proven address one signs in (same file)',
  },
  {
    area: 'Accounts',
    name: 'enumeration by asking for a reset',
    file: PASSWORDS,
    test: 'who asks does not learn whether there is an account: same answer, same rows, no mail',
    control: 'an account that is there gets its mail (first test of resets)',
  },
  {
    area: 'Accounts',
    name: 'reset-token reuse, also in a race',
    file: PASSWORDS,
    test: 'of many who use a link at once one sets the password',
    control: 'the first use sets the password (same test)',
  },
  {
    area: 'Accounts',
    name: 'host-header poisoning of links',
    file: PASSWORDS,
    test: 'the link leads where the configuration says, whatever the request says of its host',
    control: 'the link is found in the mail and opens the account (same file)',
  },
  {
    area: 'Accounts',
    name: 'e-mail change without re-authentication',
    file: 'services/user/test/email-address.test.ts',
    test: 'without the password nothing is asked for, and guessing it is slowed down',
    control: 'with the password it changes (test before)',
  },
  {
    area: 'Access',
    name: "another's address",
    file: 'services/user/test/profile.test.ts',
    test: 'an address that is somebody else’s and one that is nobody’s are the same to the byte',
    control: 'its owner reads and changes it (test before)',
  },
  {
    area: 'Access',
    name: 'an API key that may do more than its owner',
    file: 'services/user/test/api-keys.test.ts',
    test: 'nobody makes a key that may do more than they may, and it shrinks with its owner',
    control: 'a key within the permissions is made and opens what it says',
  },
  {
    area: 'Privacy',
    name: 'export complete; erasure leaves no canary',
    file: 'apps/micromart/test/journeys/privacy-journey.ts',
    test: 'told all that is known, then forgotten everywhere, with a receipt',
    control: 'before the erasure the same search finds the person',
  },
  {
    area: 'Injection',
    name: 'CRLF in mail headers',
    file: 'services/notification/test/smtp.test.ts',
    test: 'line breaks in a name or an address add no header and no recipient',
    control: 'the mail itself arrives, with what is harmless of the name',
  },
  {
    area: 'Privacy',
    name: 'personal data in messages and tables that have no need of it',
    file: 'services/notification/test/notification-service.test.ts',
    test: 'nothing personal is kept but in the mailbox',
    control: 'the mailbox holds it',
  },
  {
    area: 'Privacy',
    name: 'every bad input there is, and the whole log searched for secrets',
    file: BAD_INPUT,
    test: 'the log holds no error and no secret',
    control: 'planted lines are found (same test)',
  },
]

/** Cases of the list that have nothing to attack yet, with the reason. */
export const without: readonly {
  readonly area: CoveredCase['area']
  readonly name: string
  readonly reason: string
}[] = [
  { area: 'Access', name: "another's invoice", reason: 'there are no invoices' },
  { area: 'Money', name: 'partial-refund race', reason: 'orders are refunded as a whole; there is no partial refund' },
  {
    area: 'Payment',
    name: 'test event in live',
    reason: 'the sandbox is the only provider, and it does not start in production',
  },
  { area: 'Injection', name: 'CSV formulas in exports', reason: 'nothing is exported as CSV' },
  { area: 'Injection', name: 'SSRF through webhook URLs', reason: 'nobody can register a webhook' },
]
