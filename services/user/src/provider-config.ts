import { readFileSync } from 'node:fs'
import { ConfigError } from '@micromart/service-kit/config'
import Type, { type Static } from 'typebox'
import { Errors } from 'typebox/value'

const text = Type.String({ minLength: 1, maxLength: 2_000 })

const ProviderSettings = Type.Object(
  {
    /** Part of the redirect address, so it stays as it is once it is registered there. */
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' }),
    label: Type.Optional(text),
    /** GitHub has no OpenID Connect for people: it is asked through its own API. */
    kind: Type.Optional(Type.Enum(['oidc', 'github'])),
    issuer: Type.Optional(text),
    clientId: text,
    clientSecret: Type.Optional(text),
    clientSecretFile: Type.Optional(text),
    /** GitHub Enterprise Server: where its API is; `issuer` is where its pages are. */
    apiUrl: Type.Optional(text),
    /** The issuer's own host may be on a private network. */
    privateNetwork: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

/** One provider that people may sign in with, checked and whole. */
export interface ProviderConfig {
  readonly name: string
  readonly label: string
  readonly kind: 'oidc' | 'github'
  readonly issuer: string
  readonly apiUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly privateNetwork: boolean
}

const GITHUB = 'https://github.com'
const GITHUB_API = 'https://api.github.com'

/** Reads `USER_OIDC_PROVIDERS`, a JSON array. @throws ConfigError with every fault, and no secret */
export function parseProviders(
  json: string,
  { isProduction, publicUrl }: { isProduction: boolean; publicUrl: string },
): readonly ProviderConfig[] {
  if (json.trim() === '') return []
  const faults: string[] = []
  const providers = listOf(json, faults).flatMap((settings, index) => {
    const where = `USER_OIDC_PROVIDERS[${index}]`
    const faultsBefore = faults.length
    checkShape(settings, where, faults)
    if (faults.length > faultsBefore) return []
    const provider = completed(settings as Static<typeof ProviderSettings>, where, faults)
    checkAddresses(provider, { where, isProduction, faults })
    return [provider]
  })
  const names = providers.map(({ name }) => name)
  if (new Set(names).size !== names.length) faults.push('USER_OIDC_PROVIDERS names a provider twice')
  if (isProduction && providers.length > 0 && !publicUrl.startsWith('https://'))
    faults.push('USER_OIDC_PROVIDERS needs a PUBLIC_URL with https: providers send people, and their codes, back to it')
  if (faults.length > 0) throw new ConfigError(faults)
  return providers
}

function listOf(json: string, faults: string[]): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(json)
    if (Array.isArray(list)) return list
  } catch {
    // said below: a parser's own words may quote a secret
  }
  faults.push('USER_OIDC_PROVIDERS is not a JSON array of providers')
  return []
}

function checkShape(settings: unknown, where: string, faults: string[]): void {
  for (const { instancePath, message, params } of Errors(ProviderSettings, settings)) {
    const unknown = (params as { additionalProperties?: readonly string[] }).additionalProperties
    faults.push(`${where}${instancePath} ${unknown ? `has unknown fields: ${unknown.join(', ')}` : message}`)
  }
}

function completed(settings: Static<typeof ProviderSettings>, where: string, faults: string[]): ProviderConfig {
  const { name, clientId, kind = 'oidc' } = settings
  const isGithub = kind === 'github'
  if (!isGithub && settings.issuer === undefined) faults.push(`${where} has no issuer`)
  return {
    name,
    kind,
    clientId,
    label: settings.label ?? name,
    issuer: settings.issuer ?? GITHUB,
    apiUrl: settings.apiUrl ?? GITHUB_API,
    clientSecret: secretOf(settings, where, faults),
    privateNetwork: settings.privateNetwork ?? false,
  }
}

function secretOf(settings: Static<typeof ProviderSettings>, where: string, faults: string[]): string {
  const { clientSecret, clientSecretFile } = settings
  if ((clientSecret === undefined) === (clientSecretFile === undefined))
    faults.push(`${where} needs either clientSecret or clientSecretFile`)
  if (clientSecretFile === undefined) return clientSecret ?? ''
  try {
    return readFileSync(clientSecretFile, 'utf8').trim()
  } catch (error) {
    faults.push(`${where}/clientSecretFile cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    return ''
  }
}

const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/

/** In plain text only to this very machine, and only while developing. */
function checkAddresses(
  { issuer, apiUrl }: ProviderConfig,
  { where, isProduction, faults }: { where: string; isProduction: boolean; faults: string[] },
): void {
  for (const [field, url] of [
    ['issuer', issuer],
    ['apiUrl', apiUrl],
  ] as const) {
    const isGood = URL.canParse(url) && (url.startsWith('https://') || (!isProduction && LOOPBACK.test(url)))
    if (!isGood) faults.push(`${where}/${field} is not an https address`)
  }
}
