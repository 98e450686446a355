import { compiledOnce } from './compiled-once.ts'

const selector = compiledOnce('@fastify/fast-json-stringify-compiler')

export { selector as 'module.exports' }
