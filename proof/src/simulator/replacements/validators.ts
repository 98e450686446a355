import { compiledOnce } from './compiled-once.ts'

const selector = compiledOnce('@fastify/ajv-compiler')

export { selector as 'module.exports' }
