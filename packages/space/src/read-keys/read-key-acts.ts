import { TypedActs } from '../messages/typed-acts.ts'
import type { ReadKeys } from './read-keys.ts'

/** What a member does about the read keys of a space. */
export abstract class ReadKeyActs extends TypedActs {
  /** @internal */
  protected abstract readonly readKeys: ReadKeys

  /** @internal Runs a task when nothing else of the space is being changed. @throws SpaceError `CLOSED` */
  protected abstract serially<T>(task: () => Promise<T>): Promise<T>

  /**
   * Renews the read key: what is written from here on opens only by the new one, which is sealed to the devices of those
   * who are members now. Removing somebody, and revoking a device, does so by itself.
   * @throws SpaceError `NOT_ALLOWED` below ADMIN, `CLOSED`; key and storage errors
   */
  rotateReadKey(): Promise<void> {
    return this.serially(() => this.readKeys.rotate())
  }

  /**
   * The epochs (by the ids of their credentials) whose read keys are yet to come, from any member that holds them: what
   * was written in their time can't be read here until then.
   */
  missingReadKeys(): string[] {
    return this.readKeys.missing()
  }
}
