import { ErasedPart, KeptPart } from '@micromart/contracts/personal-data'
import Type from 'typebox'
import type { DataExport, Receipt } from '../privacy-ports.ts'

const instant = Type.String({ description: 'RFC 3339, UTC' })

export const ExportBody = Type.Object({
  id: Type.String(),
  status: Type.Union([Type.Literal('collecting'), Type.Literal('ready')]),
  requestedAt: instant,
  readyAt: Type.Union([instant, Type.Null()]),
  expiresAt: Type.String({ description: 'it is deleted then' }),
})

/** Everything that is known, by service; what is in it depends on what each of them keeps. */
export const ExportDocument = Type.Object({ collectedAt: instant }, { additionalProperties: true })

export const ErasureBody = Type.Object(
  { password: Type.String({ minLength: 1, maxLength: 1_000 }) },
  { additionalProperties: false },
)

export const ErasureStartedBody = Type.Object({
  status: Type.Literal('waiting'),
  receiptToken: Type.String({ description: 'opens the receipt; shown once and kept nowhere' }),
})

/** The answer has the only copy of the receipt's token. */
export const erasureStarted = ({ receiptToken }: { receiptToken: string }) => ({
  status: 202,
  headers: { location: `/api/v1/erasure-receipts/${receiptToken}`, 'cache-control': 'no-store' },
  body: { status: 'waiting' as const, receiptToken },
})

export const ReceiptBody = Type.Object({
  status: Type.Union([Type.Literal('waiting'), Type.Literal('asked'), Type.Literal('done')]),
  requestedAt: instant,
  finishedAt: Type.Union([instant, Type.Null()]),
  parts: Type.Array(
    Type.Object({
      service: Type.String(),
      reportedAt: instant,
      erased: Type.Array(ErasedPart),
      kept: Type.Array(KeptPart),
    }),
  ),
})

export const exportBody = ({ requestedAt, readyAt, expiresAt, ...rest }: DataExport) => ({
  ...rest,
  requestedAt: requestedAt.toISOString(),
  readyAt: readyAt?.toISOString() ?? null,
  expiresAt: expiresAt.toISOString(),
})

export const receiptBody = ({ status, requestedAt, finishedAt, parts }: Receipt) => ({
  status,
  requestedAt: requestedAt.toISOString(),
  finishedAt: finishedAt?.toISOString() ?? null,
  parts: parts.map(({ service, reportedAt, erased, kept }) => ({
    service,
    reportedAt: reportedAt.toISOString(),
    erased: [...erased],
    kept: [...kept],
  })),
})
