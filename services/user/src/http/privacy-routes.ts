import { writeHandler } from '@micromart/http-kit/idempotent-handler'
import { actorOf } from '@micromart/http-kit/identity'
import { ProblemError, type StatusTable } from '@micromart/http-kit/problem'
import { type HttpServer, NoBody } from '@micromart/http-kit/server'
import type { Clock } from '@micromart/kernel/clock'
import { isUuid } from '@micromart/kernel/ids'
import { ok } from '@micromart/kernel/result'
import type { IdempotentWrite } from '@micromart/postgres/idempotency'
import Type from 'typebox'
import type { CloseAccount, CloseRefusal } from '../close-account.ts'
import type { DataExporting } from '../data-export.ts'
import { type Erasure, type ErasureRefusal, receiptHash } from '../erasure.ts'
import type { DataExports, Erasures } from '../privacy-ports.ts'
import type { ProofRefusal, Prove } from './own-account.ts'
import {
  ErasureBody,
  ErasureStartedBody,
  ExportBody,
  ExportDocument,
  erasureStarted,
  exportBody,
  ReceiptBody,
  receiptBody,
} from './privacy-schemas.ts'

const statuses = {
  'user.wrong-password': 403,
  'user.erasure-running': 409,
  'user.last-admin': 409,
  'user.too-many-attempts': 429,
} satisfies StatusTable<(CloseRefusal | ErasureRefusal | ProofRefusal)['code']>

const unknownExport = () =>
  new ProblemError(404, { code: 'user.export-unknown', detail: 'There is no such export, or it has expired' })

export interface PrivacyRoutes {
  readonly exporting: DataExporting
  readonly exports: DataExports
  readonly erasure: Erasure
  readonly erasures: Erasures
  readonly write: IdempotentWrite
  readonly clock: Clock
  readonly prove: Prove
  readonly close: CloseAccount
}

const ById = { params: Type.Object({ id: Type.String() }) }
const tags = ['privacy']

/** What is known about me, and how to be forgotten. */
export function privacyRoutes(http: HttpServer, parts: PrivacyRoutes): void {
  const { exporting, exports, write, clock } = parts
  const answer = writeHandler(write, { statuses })

  http.post('/api/v1/users/me/exports', {
    config: { access: 'signed-in' },
    schema: {
      tags,
      summary: 'Collect everything that is known about me; while one is collected, that is the answer',
      body: NoBody,
      response: { 202: ExportBody },
    },
    handler: (request, reply) =>
      answer(request, reply, async (tx) => {
        const wanted = await exporting.request(tx, actorOf(request.caller))
        const headers = { location: `/api/v1/users/me/exports/${wanted.id}` }
        return ok({ status: 202, headers, body: exportBody(wanted) })
      }),
  })

  http.get('/api/v1/users/me/exports/:id', {
    config: { access: 'signed-in' },
    schema: { ...ById, tags, summary: 'How far an export is', response: { 200: ExportBody } },
    handler: async ({ caller, params: { id } }) => {
      const asked = { id, userId: actorOf(caller), now: clock.now() }
      const found = isUuid(id) ? await exports.find(asked) : undefined
      if (!found) throw unknownExport()
      return exportBody(found)
    },
  })

  http.get('/api/v1/users/me/exports/:id/document', {
    config: { access: 'signed-in' },
    schema: { ...ById, tags, summary: 'The collected document', response: { 200: ExportDocument } },
    handler: async ({ caller, params: { id } }, reply) => {
      const asked = { id, userId: actorOf(caller), now: clock.now() }
      const document = isUuid(id) ? await exports.document(asked) : undefined
      if (document === undefined) throw unknownExport()
      reply.header('cache-control', 'no-store')
      reply.header('content-disposition', 'attachment; filename="my-data.json"')
      return document as { collectedAt: string }
    },
  })

  erasureRoutes(http, parts)
}

function erasureRoutes(http: HttpServer, { erasure, erasures, write, prove, close }: PrivacyRoutes) {
  /** Its answer has the only copy of the receipt's token. */
  const answerOnce = writeHandler(write, { statuses, key: 'ignored' })

  http.post('/api/v1/users/me/erasure', {
    config: { access: 'signed-in' },
    schema: {
      tags,
      summary: 'Close my account and forget me everywhere, once my last order is over; needs the password again',
      body: ErasureBody,
      response: { 202: ErasureStartedBody },
    },
    handler: async (request, reply) => {
      const proof = await prove(request, reply)
      return answerOnce(request, reply, async (tx) => {
        if (!proof.ok) return proof
        const closed = await close(tx, proof.value)
        if (!closed.ok) return closed
        const started = await erasure.request(tx, { userId: proof.value.id, actor: proof.value.id })
        if (!started.ok) return started
        return ok(erasureStarted(started.value))
      })
    },
  })

  http.get('/api/v1/erasure-receipts/:token', {
    config: { access: 'public' },
    schema: {
      tags,
      summary: 'What was erased and what is kept, by service; it names nobody',
      params: Type.Object({ token: Type.String() }),
      response: { 200: ReceiptBody },
    },
    handler: async ({ params: { token } }, reply) => {
      const receipt = await erasures.findReceipt(receiptHash(token))
      if (!receipt) throw new ProblemError(404, { code: 'user.receipt-unknown', detail: 'There is no such receipt' })
      reply.header('cache-control', 'no-store')
      return receiptBody(receipt)
    },
  })
}
