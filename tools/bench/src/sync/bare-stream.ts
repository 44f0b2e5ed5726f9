import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { sharedNow } from '../figures.ts'

type Stream = Awaited<ReturnType<Libp2p['dialProtocol']>>

const PROTOCOL = '/vestibule/bench-stream/1'
const CHUNK_BYTES = 64 * 1024

/** Sends so many bytes to whoever opens a stream, as fast as it takes them. */
export async function serveStream(node: Libp2p, bytes: number): Promise<void> {
  await node.handle(PROTOCOL, async (stream) => {
    const chunk = new Uint8Array(CHUNK_BYTES).fill(1)
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
      if (!stream.send(chunk.slice(0, left))) await drained(stream)
    }
    await stream.close()
  })
}

/** @returns milliseconds from opening a stream on a connection that is there until so many bytes have come */
export async function readStream(node: Libp2p, address: string, bytes: number): Promise<number> {
  const connection = await node.dial(multiaddr(address))
  const startedAt = sharedNow()
  const stream = await connection.newStream(PROTOCOL)
  let read = 0
  for await (const chunk of stream) read += chunk.byteLength
  if (read !== bytes) throw new Error(`${read} of ${bytes} bytes came`)
  return sharedNow() - startedAt
}

// libp2p's own `onDrain` keeps the promise of the first drain for ever.
const drained = (stream: Stream): Promise<void> =>
  new Promise((resolve) => stream.addEventListener('drain', () => resolve(), { once: true }))
