import type { FastifyRequest } from 'fastify'

/** The client's own word, for the list of one's sessions. */
export const userAgentOf = (request: FastifyRequest): string | undefined => request.headers['user-agent']
