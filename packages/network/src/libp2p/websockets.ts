import {
  ConnectionFailedError,
  type MultiaddrConnection,
  type Transport,
  type Upgrader,
} from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import type { Multiaddr } from '@multiformats/multiaddr'
import { multiaddrToUri } from '@multiformats/multiaddr-to-uri'

type Components = Parameters<ReturnType<typeof webSockets>>[0]

/** What is behind a libp2p WebSocket connection at run time. */
interface WebSocketConnection extends MultiaddrConnection {
  websocket: Socket
  sendReset(): void
  onRemoteReset(): void
}

/**
 * libp2p's WebSocket transport whose connections can be aborted. Its own `abort` calls `close(1006)`, which no
 * WebSocket accepts, so the socket would stay open and keep the process (js-libp2p pull request 3625); and a dial that
 * is aborted leaves the socket that it was opening to itself.
 */
export function abortableWebSockets(): (components: Components) => Transport {
  return (components) => {
    const transport = webSockets()(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      _connect: connect,
      dial: ((address, options) =>
        dial(address, { ...options, upgrader: patching(options.upgrader) })) as Transport['dial'],
      createListener: ((options) =>
        createListener({ ...options, upgrader: patching(options.upgrader) })) as Transport['createListener'],
    })
  }
}

/** What Node.js and browsers have in common, and what ends one at once where there is such a thing. */
type Socket = WebSocket & { terminate?: () => void }

type SocketClass = new (uri: string) => Socket

/** In Node.js libp2p's own choice; its global `WebSocket` can't be ended at once. */
const socketClass = async (): Promise<SocketClass> =>
  globalThis.process?.versions?.node === undefined
    ? WebSocket
    : ((await import('ws')).WebSocket as unknown as SocketClass)

/** Opens a socket, or leaves none. */
async function connect(
  address: Multiaddr,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Socket> {
  const Socket = await socketClass()
  signal?.throwIfAborted()
  const socket = new Socket(multiaddrToUri(address))
  socket.binaryType = 'arraybuffer'
  const opened = Promise.withResolvers<void>()
  const onAbort = (): void => opened.reject(signal?.reason)
  const onError = (): void => opened.reject(new ConnectionFailedError(`could not connect to ${address}`))
  socket.addEventListener('open', () => opened.resolve(), { once: true })
  // What it says after it was given up is nobody's concern.
  socket.addEventListener('error', onError)
  signal?.addEventListener('abort', onAbort)
  try {
    await opened.promise
    return socket
  } catch (error) {
    end(socket)
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}

const end = (socket: Socket): void => (socket.terminate === undefined ? socket.close() : socket.terminate())

function patching(upgrader: Upgrader): Upgrader {
  const outbound: Upgrader['upgradeOutbound'] = (connection, options) =>
    upgrader.upgradeOutbound(patch(connection), options)
  const inbound: Upgrader['upgradeInbound'] = (connection, options) =>
    upgrader.upgradeInbound(patch(connection), options)
  return Object.create(upgrader, { upgradeOutbound: { value: outbound }, upgradeInbound: { value: inbound } })
}

function patch<C extends object>(given: C): C {
  const connection = given as unknown as WebSocketConnection
  const { websocket } = connection
  if (websocket === undefined) return given
  connection.sendReset = () => end(websocket)
  // The socket's own close event follows; the connection has said that it is over by then.
  const onRemoteReset = connection.onRemoteReset.bind(connection)
  connection.onRemoteReset = () => {
    if (connection.status === 'open' || connection.status === 'closing') onRemoteReset()
  }
  return given
}
