/** The names of a message's fields, by number; a field that is a message itself has them too. */
interface Shape {
  readonly [field: number]: string | readonly [string, Shape]
}

const CLAIM: Shape = {
  1: 'space',
  2: 'member',
  3: 'role',
  4: ['profile', { 1: 'displayName' }],
  5: 'invitationId',
}
const DEVICE: Shape = { 1: 'identity', 2: 'device', 3: 'agreementKey' }
const payload = (claim: Shape): Shape => ({
  1: 'issuer',
  2: 'parents',
  3: 'issuedAtMs',
  4: 'expiresAtMs',
  5: ['claim', claim],
})
const statement = (claim: Shape): Shape => ({
  1: 'type',
  2: 'signer',
  3: ['payload', payload(claim)],
  4: 'signature',
})

/** The fields of an encoded `SpaceMember`, with its chain of `AuthorizedDevice`. */
export const SPACE_MEMBER: Shape = { ...statement(CLAIM), 5: ['chain', statement(DEVICE)] }

/** A table of every byte of an encoded message: where it stands, what it is. */
export function byteMap(encoded: Uint8Array, shape: Shape): string {
  const rows: string[] = []
  walk(encoded, 0, encoded.length, shape, '', rows)
  return ['| offset | bytes | field |', '| ---: | --- | --- |', ...rows, ''].join('\n')
}

function walk(bytes: Uint8Array, from: number, to: number, shape: Shape, path: string, rows: string[]): void {
  for (let at = from; at < to; ) {
    const [tag, afterTag] = varint(bytes, at)
    const known = shape[tag >> 3]
    if (known === undefined) throw new TypeError(`no name for field ${tag >> 3} at ${at}`)
    const [name, inner] = typeof known === 'string' ? [known] : known
    const [value, afterValue] = varint(bytes, afterTag)
    const isText = (tag & 7) === 2
    const end = isText ? afterValue + value : afterValue
    const head = hex(bytes.subarray(at, isText ? afterValue : afterTag))
    const body = bytes.subarray(isText ? afterValue : afterTag, end)
    const said = inner === undefined ? shortened(body) : `${body.length} bytes, as follows`
    rows.push(`| ${at} | \`${head}\` ${said} | ${path}${tag >> 3} \`${name}\` |`)
    if (inner !== undefined) walk(bytes, afterValue, end, inner, `${path}${tag >> 3} › `, rows)
    at = end
  }
}

function varint(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0
  for (let i = 0; ; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) throw new TypeError(`cut at ${at}`)
    value += (byte & 127) * 2 ** (7 * i)
    if (byte < 128) return [value, at + i + 1]
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const shortened = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return ''
  return bytes.length > 16
    ? `\`${hex(bytes.subarray(0, 4))}…${hex(bytes.subarray(-4))}\` (${bytes.length})`
    : `\`${hex(bytes)}\``
}
