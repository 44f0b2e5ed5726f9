import { sha512 } from '@noble/hashes/sha2.js'
import { type PublicKey, pae, type Redacted } from '@vestibule/keys'
import { InvitationError } from '../errors.ts'
import {
  type AuthMethod,
  decodeLink,
  encodeLink,
  hashedPart,
  type InvitationKind,
  type InvitationType,
  type LinkFields,
  type LinkGuest,
} from './link-layout.ts'

/** Longest text that {@link parseInvitation} looks at: 4 KiB. */
export const MAX_LINK_TEXT = 4096

/** What the text of every link begins with. */
export const LINK_PREFIX = 'vest'

/**
 * The link of an invitation: what is shared as text, QR code or in the fragment of a URL.
 *
 * It keeps the exact bytes that it was made as or parsed from, because the transcript of every exchange begins
 * with their hash. To change a field, make a new one: `InvitationLink.create({ ...link, target })`.
 *
 * Its text is a secret: whoever has it may try codes, and without a code may join. It never prints itself.
 *
 * @see protocol.md, "The link"
 */
export class InvitationLink implements LinkFields {
  readonly kind: InvitationKind
  readonly type: InvitationType
  readonly authMethod: AuthMethod
  readonly multiUse: boolean
  readonly secret: Redacted<Uint8Array>
  readonly hostKey: PublicKey
  readonly commitment: Uint8Array
  declare readonly guest?: LinkGuest
  readonly expiresAtMs: number
  readonly relays: readonly string[]
  readonly hosts: readonly string[]
  declare readonly target?: string
  readonly #bytes: Uint8Array

  private constructor(fields: LinkFields, bytes: Uint8Array) {
    this.kind = fields.kind
    this.type = fields.type
    this.authMethod = fields.authMethod
    this.multiUse = fields.multiUse
    this.secret = fields.secret
    this.hostKey = fields.hostKey
    this.commitment = fields.commitment
    if (fields.guest !== undefined) this.guest = fields.guest
    this.expiresAtMs = fields.expiresAtMs
    this.relays = fields.relays
    this.hosts = fields.hosts
    if (fields.target !== undefined) this.target = fields.target
    this.#bytes = bytes
    Object.freeze(this)
  }

  /** @throws TypeError when a field has a wrong length or value, or an address is no multiaddr */
  static create(fields: LinkFields): InvitationLink {
    return InvitationLink.fromBytes(encodeLink(fields))
  }

  /** @throws InvitationError `LINK_FOREIGN`, `LINK_MALFORMED` or `LINK_VERSION` */
  static fromBytes(bytes: Uint8Array): InvitationLink {
    return new InvitationLink(decodeLink(bytes), bytes.slice())
  }

  /** The exact bytes, as a copy; as secret as the text. */
  toBytes(): Uint8Array {
    return this.#bytes.slice()
  }

  /** `invHash`: SHA-512 over the exact bytes, without checksum and carried seed. 64 bytes, no secret. */
  hash(): Uint8Array {
    return sha512(pae('inv/1 link', hashedPart(this.#bytes)))
  }

  /** A link is a secret: printing one gives this instead. Use {@link encodeInvitation} to share it. */
  toString(): string {
    return '<invitation link>'
  }

  toJSON(): string {
    return this.toString()
  }
}

/** The text to share: base64url, beginning with {@link LINK_PREFIX}. Show it only once the invitation is durable. */
export function encodeInvitation(link: InvitationLink): string {
  return toBase64Url(link.toBytes())
}

/**
 * The link in a text that a person pasted or a browser was opened with: the bare text of a link, or a URL with
 * the link as its fragment. White space around it does not matter.
 *
 * @param text untrusted; at most 4 KiB
 * @throws InvitationError and nothing else: `LINK_TOO_LONG`; `LINK_FOREIGN` when it is no invitation of ours;
 *   `LINK_MALFORMED` when it is cut or mistyped; `LINK_VERSION` when a newer version made it
 * @example
 * const link = parseInvitation(location.href)
 * history.replaceState(null, '', location.pathname) // before anything else is loaded
 */
export function parseInvitation(text: string): InvitationLink {
  if (text.length > MAX_LINK_TEXT) throw new InvitationError('LINK_TOO_LONG')
  const trimmed = text.trim()
  const fragmentAt = trimmed.indexOf('#')
  const token = fragmentAt < 0 ? trimmed : trimmed.slice(fragmentAt + 1)
  if (!token.startsWith(LINK_PREFIX)) throw new InvitationError('LINK_FOREIGN')
  const bytes = fromBase64Url(token)
  if (bytes === undefined) throw new InvitationError('LINK_MALFORMED')
  return InvitationLink.fromBytes(bytes)
}

/**
 * The link as a URL. The secret is in the fragment, which browsers don't send to the server.
 * @param site an absolute URL without a fragment
 * @throws TypeError when it is none, or has a fragment
 */
export function linkToUrl(link: InvitationLink, site: string): string {
  const url = new URL(site)
  if (site.includes('#')) throw new TypeError('expected a site without a fragment')
  url.hash = encodeInvitation(link)
  return url.href
}

function toBase64Url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Strict: no padding, no other alphabet, no stray bits at the end, so that a link has exactly one text. */
function fromBase64Url(text: string): Uint8Array | undefined {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
  return toBase64Url(bytes) === text ? bytes : undefined
}
