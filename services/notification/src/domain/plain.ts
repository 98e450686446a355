/** One line of what somebody typed: control characters and line breaks become blanks, so that it cannot end a header or fake a line. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** An address that can stand in a mail header and in SMTP as it is: one recipient, nothing to quote. */
const MAILABLE = /^[^\s\p{C}@<>()[\]\\,;:"]{1,64}@[^\s\p{C}@<>()[\]\\,;:"]{1,255}$/u

export const isMailable = (address: string): boolean => MAILABLE.test(address)
