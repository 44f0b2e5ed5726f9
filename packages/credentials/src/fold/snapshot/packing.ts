import { PublicKey } from '@vestibule/keys'

/** What can be packed: plain data with keys and byte strings in it. Fields that are `undefined` are left out. */
export type Plain =
  | number
  | string
  | boolean
  | PublicKey
  | Uint8Array
  | readonly Plain[]
  | { readonly [name: string]: Plain | undefined }

const KINDS = 8
const [NUMBER, TEXT, KEY, BYTES, LIST, OBJECT, YES, NO] = [0, 1, 2, 3, 4, 5, 6, 7]
const HEX_KEY = 64
const SHORT = 256

/** Bytes of a number, seven bits at a time, the lowest first. */
class Bytes {
  #bytes = new Uint8Array(1024)
  #length = 0

  number(value: number): void {
    this.#reserve(8)
    let rest = value
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) + 128
    this.#bytes[this.#length++] = rest
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(2 * (this.#length + more))
    larger.set(this.done())
    this.#bytes = larger
  }
}

/** Gives every value the number of its first mention. */
class Table<T> {
  readonly items: T[] = []
  readonly #numbers = new Map<T, number>()

  numberOf(item: T): number {
    const known = this.#numbers.get(item)
    if (known !== undefined) return known
    this.#numbers.set(item, this.items.length)
    return this.items.push(item) - 1
  }
}

/**
 * Packs many values of few shapes so that they are read back fast: every key, text and list of field names stands
 * once, in a table, and all text in one piece.
 */
export class Packer {
  readonly #keys = new Table<PublicKey>()
  readonly #texts = new Table<string>()
  readonly #shapes = new Table<string>()
  readonly #values = new Bytes()

  /** @throws TypeError for a number that is negative, fractional or unsafe */
  add(value: Plain): void {
    if (typeof value === 'number') {
      if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`can't pack ${value}`)
      this.#head(NUMBER, 0)
      this.#values.number(value)
    } else if (typeof value === 'string') this.#head(TEXT, this.#texts.numberOf(value))
    else if (typeof value === 'boolean') this.#head(value ? YES : NO, 0)
    else if (value instanceof PublicKey) this.#head(KEY, this.#keys.numberOf(value))
    else if (value instanceof Uint8Array) {
      this.#head(BYTES, value.length)
      this.#values.raw(value)
    } else if (isList(value)) {
      this.#head(LIST, value.length)
      for (const item of value) this.add(item)
    } else {
      const fields = Object.entries(value).filter(([, field]) => field !== undefined)
      this.#head(OBJECT, this.#shapes.numberOf(fields.map(([name]) => name).join(' ')))
      for (const [, field] of fields) if (field !== undefined) this.add(field)
    }
  }

  done(): Uint8Array {
    const out = new Bytes()
    const tables = [this.#keys.items.map((key) => key.toHex()), this.#texts.items, this.#shapes.items]
    const text = new TextEncoder().encode(tables.flat().join(''))
    out.number(text.length)
    out.raw(text)
    out.number(this.#keys.items.length)
    for (const { items } of [this.#texts, this.#shapes]) {
      out.number(items.length)
      for (const { length } of items) out.number(length)
    }
    out.raw(this.#values.done())
    return out.done()
  }

  #head(kind: number, n: number): void {
    this.#values.number(n * KINDS + kind)
  }
}

/** Reads what a {@link Packer} wrote, value by value. Objects and lists come frozen; byte strings are views. */
export class Unpacker {
  readonly #bytes: Uint8Array
  #at = 0
  readonly #keys: PublicKey[] = []
  readonly #texts: string[] = []
  readonly #shapes: (readonly string[])[] = []

  /** @throws RangeError or TypeError, here and from `next`, when the bytes are not what a packer wrote */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#raw(this.#number()))
    let at = 0
    const take = (length: number): string => {
      at += length
      return text.slice(at - length, at)
    }
    for (let n = this.#number(); n > 0; n--) this.#keys.push(PublicKey.fromHex(take(HEX_KEY)))
    for (let n = this.#number(); n > 0; n--) this.#texts.push(take(this.#number()))
    for (let n = this.#number(); n > 0; n--) this.#shapes.push(take(this.#number()).split(' '))
  }

  next(): Plain {
    const head = this.#number()
    const n = Math.floor(head / KINDS)
    switch (head % KINDS) {
      case NUMBER:
        return this.#number()
      case TEXT:
        return known(this.#texts[n])
      case KEY:
        return known(this.#keys[n])
      case BYTES:
        return this.#raw(n)
      case LIST: {
        // A short one is made as long as it will be: one that grows takes room for more.
        const list = new Array<Plain>(Math.min(n, SHORT))
        for (let i = 0; i < n; i++) list[i] = this.next()
        return Object.freeze(list)
      }
      case OBJECT: {
        const object: Record<string, Plain> = {}
        for (const name of known(this.#shapes[n])) object[name] = this.next()
        return Object.freeze(object)
      }
      default:
        return head % KINDS === YES
    }
  }

  #number(): number {
    const first = known(this.#bytes[this.#at++])
    if (first < 128) return first
    let value = first & 127
    for (let scale = 128; ; scale *= 128) {
      const byte = known(this.#bytes[this.#at++])
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  #raw(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new RangeError('it ends early')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }
}

const isList = (value: object): value is readonly Plain[] => Array.isArray(value)

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('it points to nothing')
  return value
}
