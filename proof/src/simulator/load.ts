import { registerHooks } from 'node:module'
import type { AnyServiceDefinition, ServiceName } from '@micromart/service-kit/service'
import { plant } from '../planted-bugs/plant.ts'
import type { Simulator } from './run-seed.ts'
import { simulateTheMachine } from './world/globals.ts'
import type { RecordStatement } from './world/servers.ts'

const replacement = (file: string) => new URL(`./replacements/${file}`, import.meta.url).href

/** What runs in the place of a module: see each file for the reason. */
const replacements: Readonly<Record<string, string>> = {
  '@node-rs/argon2': replacement('hashing.ts'),
  '@fastify/ajv-compiler': replacement('validators.ts'),
  '@fastify/fast-json-stringify-compiler': replacement('serializers.ts'),
}

/** Replaces the machine in this thread for good, then loads the product on it, with a planted bug if one is named. */
export async function loadSimulator({
  bug,
  record,
}: {
  bug?: string | undefined
  record?: RecordStatement
} = {}): Promise<Simulator> {
  simulateTheMachine()
  if (bug !== undefined) plant(bug)
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = context.parentURL?.endsWith('/fastify/fastify.js') ? undefined : replacements[specifier]
      return url ? { url, shortCircuit: true } : next(specifier, context)
    },
  })
  const { createSimulator } = await import('./run-seed.ts')
  const { loadService } = await import('@micromart/cli/start/services')
  const services: Partial<Record<ServiceName, AnyServiceDefinition>> = {}
  for (const name of Object.keys(loadService) as ServiceName[]) services[name] = await loadService[name]()
  return createSimulator(services as Record<ServiceName, AnyServiceDefinition>, record)
}
