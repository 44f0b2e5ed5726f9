import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { equalBytes } from '@vestibule/keys'
import { decoderSuite } from '@vestibule/keys/fuzzing'
import { WireError } from '@vestibule/keys/wire'
import { encodeFrame, FrameBuffer } from '../src/channel/frame-buffer.ts'
import { NetworkError } from '../src/index.ts'
import { MESSAGE_TYPE, RendezvousMessage } from '../src/rendezvous/messages.ts'
import { signPeerRecord, verifyPeerRecord } from '../src/rendezvous/peer-record.ts'

const bytes32 = new Uint8Array(32).fill(7)
const key = generateKeyPairFromSeed('Ed25519', bytes32)
const recordOf = async (...addresses: string[]) => signPeerRecord(await key, addresses, 3n)

decoderSuite('a message of rendezvous', async () => {
  const signedPeerRecord = await recordOf('/ip4/127.0.0.1/tcp/4001/ws')
  const registration = { ns: 'vestibule', signedPeerRecord, ttl: 7200 }
  const messages: RendezvousMessage[] = [
    { type: MESSAGE_TYPE.REGISTER, register: registration },
    { type: MESSAGE_TYPE.REGISTER_RESPONSE, registerResponse: { status: 0, statusText: 'OK', ttl: 7200 } },
    { type: MESSAGE_TYPE.UNREGISTER, unregister: { ns: 'vestibule' } },
    { type: MESSAGE_TYPE.DISCOVER, discover: { ns: 'vestibule', limit: 10, cookie: bytes32 } },
    {
      type: MESSAGE_TYPE.DISCOVER_RESPONSE,
      discoverResponse: { registrations: [registration, {}], cookie: bytes32, status: 0 },
    },
  ]
  return {
    decode: (input) => RendezvousMessage.parseLenient(input),
    samples: messages.map(RendezvousMessage.encode),
    isRefusal: (error) => error instanceof WireError,
  }
})

decoderSuite('a signed peer record', async () => ({
  decode: verifyPeerRecord,
  samples: [await recordOf(), await recordOf('/ip4/127.0.0.1/tcp/4001/ws', '/dns4/example.org/tcp/443/wss')],
  isRefusal: (error) => error instanceof NetworkError && error.code === 'MALFORMED',
}))

const MAX_FRAME_BYTES = 1024

decoderSuite('frames of a stream', () => ({
  decode: (input) => {
    const [whole, pieces] = [new FrameBuffer(), new FrameBuffer()]
    whole.push(input)
    const frames = framesIn(whole)
    for (let at = 0; at < input.length; at += 3) pieces.push(input.subarray(at, at + 3))
    // However a stream is cut up, the same frames are in it.
    const others = framesIn(pieces)
    const isSame =
      others.length === frames.length && others.every((one, i) => equalBytes(one, frames[i] as Uint8Array))
    if (!isSame) throw new Error('the pieces matter')
    return frames
  },
  samples: [
    new Uint8Array(),
    encodeFrame(bytes32),
    new Uint8Array([...encodeFrame(bytes32), 0, 1, 9, 200, 1]),
  ],
  isRefusal: (error) => error instanceof NetworkError && ['MALFORMED', 'TOO_LARGE'].includes(error.code),
}))

function framesIn(buffer: FrameBuffer): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (;;) {
    const frame = buffer.next(MAX_FRAME_BYTES)
    if (frame === undefined) return frames
    frames.push(frame)
  }
}
