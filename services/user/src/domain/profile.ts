import { ok, type Refusal, type Result, refuse } from '@micromart/kernel/result'

export type ProfileRefusal = Refusal<'user.locale-invalid'>

/** A language tag in its canonical spelling (BCP 47), such as `en-GB`. */
export function parseLocale(text: string): Result<string, ProfileRefusal> {
  try {
    const [locale] = Intl.getCanonicalLocales(text)
    if (locale !== undefined) return ok(locale)
  } catch {
    // not a language tag: said below
  }
  return refuse('user.locale-invalid', 'This is not a language tag such as en-GB (BCP 47)')
}
