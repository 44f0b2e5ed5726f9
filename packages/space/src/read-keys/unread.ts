import type { Redacted } from '@vestibule/keys'
import type { PlacedMessage } from '../message.ts'

/** Messages that can't be read, because the read key of their epoch is not here. */
export class Unread {
  readonly #byEpoch = new Map<string, PlacedMessage[]>()

  add(epoch: string, placed: PlacedMessage): void {
    const others = this.#byEpoch.get(epoch)
    if (others === undefined) this.#byEpoch.set(epoch, [placed])
    else others.push(placed)
  }

  epochs(): string[] {
    return [...this.#byEpoch.keys()]
  }

  /** Whether what entries of an epoch may be sealed with opens one that waits for it. */
  isOpenedBy(epoch: string, key: Redacted<Uint8Array>): boolean {
    return this.#byEpoch.get(epoch)?.some((placed) => placed.isSealedUnder(key)) ?? false
  }

  /** What waited for the read keys of these epochs, and does no more. */
  take(epochs: readonly string[]): PlacedMessage[] {
    const messages = epochs.flatMap((epoch) => this.#byEpoch.get(epoch) ?? [])
    for (const epoch of epochs) this.#byEpoch.delete(epoch)
    return messages
  }
}
