/** What a newcomer sees when everything runs: where to look, who may sign in, and a purchase to paste. */
export function welcome({ url, dataDir, catalogue }: { url: string; dataDir: string; catalogue: string }): string {
  return `
MicroMart is ready at ${url}        (${catalogue})

  API page      ${url}/docs
  Mailbox       ${url}/mailbox
  Log and data  ${dataDir}

  DEMO ACCOUNTS, for development only, all with the password micromart-demo:
  admin@micromart.test    staff@micromart.test    shopper@micromart.test

Buy something; paste this:

${purchase(url)}

Stop with Ctrl-C.`
}

/** The purchase of the README, in curl and plain shell. */
const purchase = (url: string): string => `  API=${url}/api/v1
  CART=$(curl -s -X POST $API/carts -H 'content-type: application/json' -d '{}')
  ID=$(echo "$CART" | sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
  TOKEN=$(echo "$CART" | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
  curl -s -X POST $API/carts/$ID/items -H "Cart-Token: $TOKEN" -H 'content-type: application/json' \\
    -d '{"sku":"MUG-ENAMEL-WHITE","quantity":2}'
  ORDER=$(curl -s -X POST $API/carts/$ID/checkout -H "Cart-Token: $TOKEN" -H 'content-type: application/json' \\
    -H "Idempotency-Key: $ID" -d '{"email":"you@example.com","payment":{"method":"sandbox:success"},
    "shippingAddress":{"name":"You","line1":"1 High Street","city":"York","postalCode":"YO1 7HH","country":"GB"}}' \\
    | sed 's/.*"orderId":"\\([^"]*\\)".*/\\1/')
  sleep 1; curl -s $API/orders/$ORDER -H "Cart-Token: $TOKEN"
  curl -s "$API/mailbox?to=you@example.com"`
