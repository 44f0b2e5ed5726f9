import { type Claim, type Credential, issueCredential, proveFeed, type Role } from '@vestibule/credentials'
import { Keyring, type PublicKey } from '@vestibule/keys'

/** Of hundred acts so many do not know the latest ones. */
const CONCURRENT_PERCENT = 5
/** How far back an act may start that does not know the latest. */
const SPAN = 10
/** Of hundred removals so many are of an admin or owner, by the founder. */
const GOVERNORS_AMONG_REMOVED_PERCENT = 4
/** Every so many acts somebody new signs, and brings a feed, whose key signs too: one key for ten credentials. */
const ACTS_PER_SIGNER = 20
/** The first of those who sign are admins, so that there are some. */
const ADMINS_UNTIL = 200
const ISSUED_AT_MS = 1_700_000_000_000

/** Somebody who signs, and what it knows at least. */
interface Author {
  readonly key: PublicKey
  /** The place in the history of its admission. */
  readonly since: number
  /** The id of what it signed last. */
  last?: string
}

/**
 * The history of a busy space, the same mix every time: in twenty acts the admission of somebody who will sign, its
 * data feed, twelve admissions of readers, four profiles, and in turn two of removals, changes of role, and
 * invitations with their redemptions. Every act but one in twenty knows all before it. Keys are new every time.
 *
 * @param count how many credentials, the genesis and the founder among them
 */
export async function spaceHistory(count: number): Promise<Credential[]> {
  return new History().write(count)
}

class History {
  readonly #keyring = new Keyring()
  readonly #credentials: Credential[] = []
  readonly #heads = new Set<string>()
  readonly #authors: Author[] = []
  readonly #governors: Author[] = []
  readonly #readers: PublicKey[] = []
  readonly #numbers = numbers(42)
  #invitation: string | undefined

  async write(count: number): Promise<Credential[]> {
    const space = await this.#keyring.createKey()
    const founder = await this.#keyring.createKey()
    const root: Author = { key: space, since: 0 }
    await this.#say(root, { type: 'SpaceGenesis', space, name: 'Kitchen' })
    await this.#say(root, admission(space, founder, 'OWNER'))
    this.#join({ key: founder, since: 1 }, 'OWNER')
    while (this.#credentials.length < count) await this.#next(space)
    return this.#credentials
  }

  async #next(space: PublicKey): Promise<void> {
    const at = this.#credentials.length
    const turn = at % ACTS_PER_SIGNER
    if (turn === 2) {
      const key = await this.#keyring.createKey()
      const of100 = this.#below(100)
      const role = at < ADMINS_UNTIL || of100 < 5 ? 'ADMIN' : of100 < 6 ? 'OWNER' : 'EDITOR'
      const by = role === 'OWNER' ? this.#governors[0] : this.#pick(this.#governors)
      await this.#say(by, admission(space, key, role))
      return this.#join({ key, since: at }, role)
    }
    if (turn === 3) {
      const author = this.#authors.at(-1)
      if (author === undefined) throw new TypeError('nobody was admitted')
      const feed = await this.#keyring.createKey()
      const named = { member: author.key, device: author.key, feed, purpose: 'DATA' } as const
      const proof = await proveFeed({ signer: this.#keyring, ...named })
      return this.#say(author, { type: 'AdmittedFeed', space, ...named, proof })
    }
    if (turn % 10 === 4 || turn % 10 === 5) {
      const author = this.#pick(this.#authors)
      const profile = { displayName: `Ada ${at}` }
      return this.#say(author, { type: 'MemberProfile', space, member: author.key, profile })
    }
    if (turn % 10 === 9) return this.#govern(space, Math.floor(at / 10) % 4)
    const reader = await this.#keyring.createKey()
    this.#readers.push(reader)
    return this.#say(this.#pick(this.#governors), admission(space, reader, 'READER'))
  }

  async #govern(space: PublicKey, turn: number): Promise<void> {
    const [by, member] = [this.#pick(this.#governors), this.#pick(this.#readers)]
    const delegation = this.#invitation
    if (turn === 0) {
      const gone = this.#below(100) < GOVERNORS_AMONG_REMOVED_PERCENT ? this.#retire() : member
      return this.#say(gone === member ? by : this.#governors[0], {
        type: 'RemovedMember',
        space,
        member: gone,
        heads: [],
      })
    }
    if (turn === 1) return this.#say(by, { type: 'ChangedRole', space, member, role: 'EDITOR', heads: [] })
    if (turn === 2 || delegation === undefined) {
      const invitationId = new Uint8Array(16).fill(7)
      const sealedSecrets = new Uint8Array(64)
      const more = { invitationId, role: 'READER', multiUse: false, maxAttempts: 3, sealedSecrets } as const
      await this.#say(by, { type: 'DelegatedInvitation', space, ...more })
      this.#invitation = this.#credentials.at(-1)?.id
      return
    }
    const guest = await this.#keyring.createKey()
    this.#invitation = undefined
    return this.#say(by, { ...admission(space, guest, 'READER'), delegation }, [delegation])
  }

  async #say(author: Author | undefined, claim: Claim, about: readonly string[] = []): Promise<void> {
    if (author === undefined) throw new TypeError('nobody to say it')
    const base = this.#credentials.length - 2 - this.#below(SPAN)
    const behind = this.#below(100) < CONCURRENT_PERCENT && base >= author.since && base > 1
    const known = behind ? [this.#credentials[base]?.id ?? '', author.last ?? '', ...about] : this.#heads
    const credential = await issueCredential({
      signer: this.#keyring,
      issuer: author.key,
      claim,
      parents: [...known].filter((id) => id !== ''),
      issuedAtMs: ISSUED_AT_MS + this.#credentials.length,
    })
    for (const parent of credential.parents) this.#heads.delete(parent)
    this.#heads.add(credential.id)
    author.last = credential.id
    this.#credentials.push(credential)
  }

  #join(author: Author, role: Role): void {
    this.#authors.push(author)
    if (role === 'ADMIN' || role === 'OWNER') this.#governors.push(author)
  }

  /** Somebody who governs stops to act here; what it did lately may become void with its removal. */
  #retire(): PublicKey {
    const at = 1 + this.#below(this.#governors.length - 1)
    const [author] = this.#governors.splice(at, 1)
    if (author === undefined) throw new TypeError('nobody governs')
    this.#authors.splice(this.#authors.indexOf(author), 1)
    return author.key
  }

  #below(limit: number): number {
    return this.#numbers() % limit
  }

  #pick<T>(list: readonly T[]): T {
    const one = list[this.#below(list.length)]
    if (one === undefined) throw new TypeError('nothing to pick from')
    return one
  }
}

const admission = (space: PublicKey, member: PublicKey, role: Role) =>
  ({ type: 'SpaceMember', space, member, role, profile: { displayName: 'Ada' } }) as const

/** The same numbers every time, of 16 bits. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 16
  }
}
