import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { noise } from '@libp2p/noise'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'

const PROTOCOL = '/vestibule/bench-floor/1'
const WRITE_BYTES = 4096
const MAX_FRAME_BYTES = 256 * 1024
/** Every request begins with the length of its answer, four bytes. */
const MIN_REQUEST_BYTES = 4

/** Lengths in bytes of a request and its answer. */
export interface RoundTrip {
  readonly request: number
  readonly answer: number
}

/** A bare libp2p node: what an invitation can't be faster than. */
export function bareNode(listen: readonly string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [...listen] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { inboundConnectionThreshold: 1000 },
  })
}

/** Answers every frame with one as long as it asks for. */
export async function answerRoundTrips(node: Libp2p): Promise<void> {
  await node.handle(PROTOCOL, async (stream) => {
    const frames = lpStream(stream, { maxDataLength: MAX_FRAME_BYTES })
    try {
      for (;;) {
        const request = (await frames.read()).subarray()
        await frames.write(new Uint8Array(new DataView(request.buffer, request.byteOffset).getUint32(0)))
      }
    } catch {
      await stream.close().catch(() => stream.abort(new Error('the floor is over')))
    }
  })
}

/** One dial, one stream, and the round trips one after the other. The connection stays. */
export async function roundTrips(node: Libp2p, address: string, trips: readonly RoundTrip[]): Promise<void> {
  const connection = await node.dial(multiaddr(address))
  const stream = await connection.newStream(PROTOCOL)
  const frames = lpStream(stream, { maxDataLength: MAX_FRAME_BYTES })
  for (const { request, answer } of trips) {
    const frame = new Uint8Array(Math.max(request, MIN_REQUEST_BYTES))
    new DataView(frame.buffer).setUint32(0, answer)
    await frames.write(frame)
    await frames.read()
  }
}

/** A file in a folder, to which blocks of 4 KiB are appended, each synced before the next. */
export class SyncedFile implements Disposable {
  readonly #file: number
  readonly #block = new Uint8Array(WRITE_BYTES).fill(1)

  constructor(folder: string) {
    this.#file = openSync(join(folder, 'floor'), 'w')
  }

  append(times: number): void {
    for (let i = 0; i < times; i++) {
      writeSync(this.#file, this.#block)
      fdatasyncSync(this.#file)
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}
