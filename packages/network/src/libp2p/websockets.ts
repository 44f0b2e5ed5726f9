import type { MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'

type Components = Parameters<ReturnType<typeof webSockets>>[0]

/** What is behind a libp2p WebSocket connection at run time. */
interface WebSocketConnection extends MultiaddrConnection {
  websocket: WebSocket & { terminate?: () => void }
  sendReset(): void
  onRemoteReset(): void
}

/**
 * libp2p's WebSocket transport whose connections can be aborted. Its own `abort` calls `close(1006)`, which no
 * WebSocket accepts, so the socket would stay open and keep the process (js-libp2p pull request 3625).
 */
export function abortableWebSockets(): (components: Components) => Transport {
  return (components) => {
    const transport = webSockets()(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    return Object.assign(transport, {
      dial: ((address, options) =>
        dial(address, { ...options, upgrader: patching(options.upgrader) })) as Transport['dial'],
      createListener: ((options) =>
        createListener({ ...options, upgrader: patching(options.upgrader) })) as Transport['createListener'],
    })
  }
}

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
  connection.sendReset = () => {
    if (websocket.terminate !== undefined) websocket.terminate()
    else websocket.close()
  }
  // The socket's own close event follows; the connection has said that it is over by then.
  const onRemoteReset = connection.onRemoteReset.bind(connection)
  connection.onRemoteReset = () => {
    if (connection.status === 'open' || connection.status === 'closing') onRemoteReset()
  }
  return given
}
