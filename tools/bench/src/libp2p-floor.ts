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
const MAX_FRAME = 64 * 1024

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

/** Answers every frame with one of the same length. */
export async function serveFloor(node: Libp2p): Promise<void> {
  await node.handle(PROTOCOL, async (stream) => {
    const frames = lpStream(stream, { maxDataLength: MAX_FRAME })
    try {
      for (;;) await frames.write(await frames.read())
    } catch {
      await stream.close().catch(() => stream.abort(new Error('the floor is over')))
    }
  })
}

/** One dial, one stream, round trips of frames as long as an invitation's, and synced 4 KiB writes, in turn. */
export async function floorOnce(
  node: Libp2p,
  address: string,
  frameBytes: readonly number[],
  writes: number,
  folder: string,
): Promise<number> {
  const file = openSync(join(folder, `floor-${process.hrtime.bigint()}`), 'w')
  const block = new Uint8Array(WRITE_BYTES).fill(1)
  const started = performance.now()
  const connection = await node.dial(multiaddr(address), { force: true })
  const stream = await connection.newStream(PROTOCOL)
  const frames = lpStream(stream, { maxDataLength: MAX_FRAME })
  for (const length of frameBytes) {
    await frames.write(new Uint8Array(length))
    await frames.read()
  }
  for (let i = 0; i < writes; i++) {
    writeSync(file, block)
    fdatasyncSync(file)
  }
  const elapsed = performance.now() - started
  closeSync(file)
  await connection.close()
  return elapsed
}
