import { readFileSync } from 'node:fs'
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Errors } from 'typebox/value'

export type Env = Readonly<Record<string, string | undefined>>

/** What every field says of itself; without a default the variable must be set. */
interface Field<T> {
  readonly description: string
  readonly default?: T
}

/** Only what is empty by default may be empty. */
const leastLength = (field: Field<string>) => (field.default === '' ? 0 : 1)

const URL_PATTERN = '^[a-z][a-z0-9+.-]*:[^,]*$'

/** Fields of a configuration schema: each is one environment variable. */
export const env = {
  integer: (field: Field<number> & { minimum?: number; maximum?: number }) => Type.Integer({ minimum: 0, ...field }),
  text: (field: Field<string>) => Type.String({ minLength: leastLength(field), ...field }),
  url: (field: Field<string>) => Type.String({ pattern: URL_PATTERN, ...field }),
  /** Several that do the same, separated by commas. */
  urls: (field: Field<readonly string[]>) =>
    Type.Array(Type.String({ pattern: URL_PATTERN }), { minItems: 1, ...field }),
  /** Several words, separated by commas; none by default. */
  words: (field: Field<readonly string[]> & { pattern?: string }) => {
    const { pattern, ...described } = field
    return Type.Array(Type.String(pattern === undefined ? { minLength: 1 } : { pattern }), described)
  },
  flag: (field: Field<boolean>) => Type.Boolean({ ...field }),
  /** Never shown in an error. */
  secret: (field: Field<string>) => Type.String({ minLength: leastLength(field), secret: true, ...field }),
  choice: <const C extends readonly string[]>(choices: C, field: Field<C[number]>) =>
    Type.Unsafe<C[number]>(Type.String({ enum: choices, ...field })),
}

/** All faults of a configuration at once, so that nobody has to start ten times. */
export class ConfigError extends Error {
  readonly code = 'config.invalid'
  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/** Reads the schema's variables from the environment; `NAME_FILE` names a file that holds the value (mounted secrets). @throws ConfigError */
export function parseConfig<S extends TObject>(schema: S, environment: Env): Static<S> {
  const faults: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.properties)) {
    const text = read(name, environment, faults)
    const value = text === undefined ? (field as { default?: unknown }).default : convert(text, field)
    if (value === undefined) faults.push(`${name} is not set: ${describe(field)}`)
    else if (Errors(field, value).length > 0)
      faults.push(`${name}${shown(text, field)} is not valid: ${describe(field)}`)
    else values[name] = value
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return values as Static<S>
}

function read(name: string, environment: Env, faults: string[]): string | undefined {
  const path = environment[`${name}_FILE`]
  if (!path) return environment[name] === '' ? undefined : environment[name]
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    faults.push(`${name}_FILE cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    return undefined
  }
}

function convert(text: string, field: TSchema): unknown {
  const type = (field as { type?: string }).type
  if (type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : text
  if (type === 'array') return text.split(',').map((part) => part.trim())
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

const describe = (field: TSchema): string => {
  const {
    description,
    type,
    enum: choices,
  } = field as { description?: string; type?: string; enum?: readonly string[] }
  return `${description ?? ''} (${choices ? choices.join(' or ') : type === 'array' ? 'one or more, separated by commas' : type})`
}

const shown = (text: string | undefined, field: TSchema): string =>
  'secret' in field || text === undefined ? '' : ` "${text}"`
