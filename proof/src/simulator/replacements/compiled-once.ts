import { createRequire } from 'node:module'

interface RouteSchema {
  readonly schema: unknown
  readonly httpPart?: string
  readonly httpStatus?: string
}
type Compile = (route: RouteSchema) => unknown
type Build = (externalSchemas: unknown, options: unknown) => Compile

/** One of Fastify's two schema compilers, but each schema is compiled once: services start many times here. */
export function compiledOnce(name: string): () => Build {
  const requireOfFastify = createRequire(import.meta.resolve('fastify'))
  const build = (requireOfFastify(name) as () => Build)()
  const compiled = new Map<string, unknown>()

  const buildOnce: Build = (externalSchemas, options) => {
    let compile: Compile | undefined
    return (route) => {
      const key = JSON.stringify([route.schema, externalSchemas])
      const known = compiled.get(key)
      if (known) return known
      compile ??= build(externalSchemas, options)
      const made = compile(route)
      compiled.set(key, made)
      return made
    }
  }
  return () => buildOnce
}
