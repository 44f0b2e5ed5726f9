import type { Message, Space } from '@vestibule/space'
import { type Context, within } from '../context.ts'
import { findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'

/** `vestibule say SPACE TEXT`: stores a message, and waits until another member has it. */
export async function say(
  context: Context,
  wanted: string,
  text: string,
  options: { readonly waitSeconds: number },
): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, true)
  const space = findSpace(peer, wanted)
  const message = await space.write(text)
  output.status('stored', { id: message.id }, 'Stored; looking for another member…')
  const delivered = await space
    .delivered({ signal: within(context, options.waitSeconds * 1000) })
    .then(() => true)
    .catch(() => false)
  const said = delivered
    ? 'Delivered.'
    : 'Stored here. Other members get it when one of them is online with you.'
  output.result('said', { id: message.id, delivered }, said)
}

/** `vestibule log SPACE [--follow]`: the messages, and with `--follow` those that come until Ctrl-C. */
export async function log(
  context: Context,
  wanted: string,
  options: { readonly follow: boolean },
): Promise<void> {
  const { place, output, signal } = context
  await using peer = await openPeer(place, options.follow)
  const space = findSpace(peer, wanted)
  const shown = new Set<string>()
  const showNew = () => {
    for (const message of space.messages()) {
      if (shown.has(message.id)) continue
      shown.add(message.id)
      output.result('message', describeMessage(space, message), line(space, message))
    }
  }
  showNew()
  if (!options.follow) return
  const stop = space.subscribe({
    onMessage: showNew,
    onPeers: (peers) =>
      output.status('peers', { peers: peers.length }, `Connected to ${peers.length} other devices`),
  })
  output.status('following', {}, 'Following; Ctrl-C ends it.')
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  stop()
  output.done()
}

const authorOf = (space: Space, { author }: Message): string =>
  space.members().find(({ identityKey }) => identityKey === author)?.profile.displayName ?? author.toDid()

function describeMessage(space: Space, message: Message): Record<string, unknown> {
  const { id, author, text, timestampMs } = message
  return {
    id,
    author: author.toDid(),
    name: authorOf(space, message),
    text,
    time: new Date(timestampMs).toISOString(),
  }
}

function line(space: Space, message: Message): string {
  const time = new Date(message.timestampMs).toLocaleString()
  const text = message.text ?? `<${message.bytes?.length ?? 0} bytes>`
  return `${time}  ${printable(authorOf(space, message))}: ${printable(text)}`
}
