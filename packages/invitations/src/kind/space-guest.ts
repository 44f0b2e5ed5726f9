import { hexToBytes } from '@noble/hashes/utils.js'
import { proveFeed } from '@vestibule/credentials'
import { equalBytes, type Keyring, PublicKey } from '@vestibule/keys'
import {
  parseAdmission,
  type SigningContext,
  type SpaceAdmission,
  SpaceError,
  type SpaceManager,
} from '@vestibule/space'
import type { InvitationFields } from '../invitation.ts'
import type { InvitationLink } from '../link/link.ts'
import { carriedKey } from '../link/link-guest.ts'
import { commitment, deriveLinkKeys } from '../link/link-keys.ts'
import type { LinkGuest } from '../link/link-layout.ts'
import { type Preview, provenRequestCodec, requestCodec } from '../protocol/messages.ts'
import { type KnownGuest, type ProofTask, proofTasks } from '../protocol/proofs.ts'
import { encodeStoredAcceptance, parseStoredAcceptance } from '../records.ts'
import type { GuestKind, Membership } from './kind.ts'

/** The guest's own feeds in the space that it asks to join. */
export interface GuestFeeds {
  readonly controlFeedKey: PublicKey
  readonly dataFeedKey: PublicKey
}

interface Guest {
  readonly keyring: Keyring
  readonly signingContext: SigningContext
}

/** Asks to become a member of a space. */
export class SpaceGuest implements GuestKind {
  readonly #guest: Guest & { readonly spaceManager: SpaceManager }
  readonly #link: InvitationLink
  #feeds: GuestFeeds | undefined

  constructor(guest: Guest & { readonly spaceManager: SpaceManager }, link: InvitationLink) {
    this.#guest = guest
    this.#link = link
  }

  resume(record: Uint8Array): void {
    this.#feeds = parseStoredAcceptance(record)
  }

  async prepare(): Promise<Uint8Array> {
    const { keyring } = this.#guest
    let feeds = this.#feeds
    if (feeds === undefined) {
      // Each is a file that is synced; together they take as long as one.
      const [controlFeedKey, dataFeedKey] = await Promise.all([keyring.createKey(), keyring.createKey()])
      feeds = { controlFeedKey, dataFeedKey }
      this.#feeds = feeds
    }
    return encodeStoredAcceptance({ link: this.#link, ...feeds })
  }

  async discard(): Promise<void> {
    if (this.#feeds === undefined) return
    const { controlFeedKey, dataFeedKey } = this.#feeds
    await Promise.all([controlFeedKey, dataFeedKey].map((key) => this.#guest.keyring.deleteKey(key)))
  }

  request(th2: Uint8Array): Promise<Uint8Array> {
    if (this.#feeds === undefined) throw new TypeError('the keys are made before they are proven')
    return provenRequest(this.#guest, this.#feeds, th2, this.#link.guest)
  }

  async read(answer: Uint8Array): Promise<Membership | undefined> {
    const admission = await parseAdmission(answer)
    const genesisId = admission.path[0]?.id
    if (genesisId === undefined) return undefined
    const keys = deriveLinkKeys(this.#link.secret)
    const promised = commitment(keys, 'SPACE', hexToBytes(genesisId))
    if (!equalBytes(this.#link.commitment, promised)) return undefined
    return { store: (options) => this.#store(admission, options) }
  }

  async #store(
    admission: SpaceAdmission,
    { role, ...options }: Parameters<Membership['store']>[0],
  ): Promise<Partial<InvitationFields>> {
    if (this.#feeds === undefined || role === 'NONE')
      throw new SpaceError('BAD_ADMISSION', 'no role was shown')
    await this.#guest.spaceManager.acceptSpace(admission, { ...this.#feeds, role, ...options })
    return { spaceKey: String(admission.spaceKey) }
  }

  shown(preview: Preview): Partial<InvitationFields> {
    return preview
  }
}

/**
 * The plaintext of message 5: who asks, with the feeds that it will write, and the proof of every key.
 * @param asked whom the link is for, if it says so
 */
export async function provenRequest(
  { keyring, signingContext }: Guest,
  feeds: GuestFeeds,
  th2: Uint8Array,
  asked?: LinkGuest,
): Promise<Uint8Array> {
  const { identityKey, deviceKey, agreementKey, chain, profile } = signingContext
  const own = { signer: keyring, member: identityKey, device: deviceKey }
  const fields = {
    identity: identityKey.toBytes(),
    chain: chain.map(({ encoded }) => encoded),
    device: deviceKey.toBytes(),
    agreementKey,
    controlFeed: feeds.controlFeedKey.toBytes(),
    dataFeed: feeds.dataFeedKey.toBytes(),
    displayName: profile.displayName,
    controlFeedProof: await proveFeed({ ...own, feed: feeds.controlFeedKey, purpose: 'CONTROL' }),
    dataFeedProof: await proveFeed({ ...own, feed: feeds.dataFeedKey, purpose: 'DATA' }),
  }
  const request = requestCodec.encode(fields)
  const carried = asked?.type === 'SEED' ? await carriedKey(asked.seed) : undefined
  const known: KnownGuest | undefined = asked && { type: asked.type, key: carried?.key ?? identityKey }
  const tasks = proofTasks(fields, request, th2, await keyring.has(identityKey), known)
  const sign = async (which: ProofTask['which']): Promise<Uint8Array> => {
    const task = tasks.find((one) => one.which === which)
    if (task === undefined) return new Uint8Array(0)
    const signer = which === 'KNOWN_KEY' ? (carried?.signer ?? keyring) : keyring
    return signer.sign(PublicKey.from(task.key), task.statement)
  }
  const identity = await sign('IDENTITY')
  const knownKey = await sign('KNOWN_KEY')
  return provenRequestCodec.encode({
    request,
    device: await sign('DEVICE'),
    controlFeed: await sign('CONTROL_FEED'),
    dataFeed: await sign('DATA_FEED'),
    ...(identity.length > 0 && { identity }),
    ...(knownKey.length > 0 && { knownKey }),
  })
}
