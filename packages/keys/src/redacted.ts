const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** Holds a secret so that printing, logging or serialising its holder can't show it. */
export class Redacted<T> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  /** The secret itself. */
  unwrap(): T {
    return this.#value
  }
  toString(): string {
    return '<redacted>'
  }
  toJSON(): string {
    return '<redacted>'
  }
  [INSPECT](): string {
    return '<redacted>'
  }
}
