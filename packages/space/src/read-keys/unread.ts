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

  /** What waited for the read keys of these epochs, and does no more. */
  take(epochs: readonly string[]): PlacedMessage[] {
    const messages = epochs.flatMap((epoch) => this.#byEpoch.get(epoch) ?? [])
    for (const epoch of epochs) this.#byEpoch.delete(epoch)
    return messages
  }
}
