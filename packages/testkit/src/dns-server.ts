import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Question } from 'dns-packet'

/** One record of a name. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl?: number }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number; readonly priority?: number }

/** A name server on loopback that says what the test wants it to say. */
export interface DnsServer {
  /** `address:port` */
  readonly address: string
  /** How many questions it was asked. */
  asked(): number
  /** What a name has from now on; a name without records does not exist. */
  set(name: string, records: readonly DnsRecord[]): void
  /** `failing` answers SERVFAIL to everything, `silent` nothing at all. */
  behave(how: 'well' | 'failing' | 'silent'): void
  close(): Promise<void>
}

/** RFC 1035, section 4.1.1. */
const SERVFAIL = 2
const NXDOMAIN = 3

export async function startDnsServer(): Promise<DnsServer> {
  const zone = new Map<string, readonly DnsRecord[]>()
  let manner: 'well' | 'failing' | 'silent' = 'well'
  let asked = 0
  const socket = createSocket('udp4')

  const answersTo = ({ name, type }: Question): { code: number; answers: Answer[] } => {
    if (manner === 'failing') return { code: SERVFAIL, answers: [] }
    const records = zone.get(name.toLowerCase())
    if (!records) return { code: NXDOMAIN, answers: [] }
    return {
      code: 0,
      answers: records.filter((record) => record.type === type).map((record) => answerOf(name, record)),
    }
  }
  const reply = (message: Buffer, from: RemoteInfo) => {
    asked += 1
    const { id, questions = [] } = decode(message)
    const [question] = questions
    if (manner === 'silent' || !question) return
    const { code, answers } = answersTo(question)
    const flags = AUTHORITATIVE_ANSWER | code
    socket.send(encode({ type: 'response', id: id ?? 0, flags, questions, answers }), from.port, from.address)
  }
  socket.on('message', reply).bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked: () => asked,
    set: (name, records) => void (records.length > 0 ? zone.set(name, records) : zone.delete(name)),
    behave: (how) => {
      manner = how
    },
    close: () => new Promise((resolve) => socket.close(resolve)),
  }
}

function answerOf(name: string, record: DnsRecord): Answer {
  if (record.type !== 'SRV') return { type: record.type, name, ttl: record.ttl ?? 0, data: record.address }
  const { port, target, priority = 0 } = record
  return { type: 'SRV', name, ttl: 0, data: { port, target, priority, weight: 0 } }
}
