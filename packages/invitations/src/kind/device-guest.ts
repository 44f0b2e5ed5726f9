import { equalBytes, type Keyring, type PublicKey } from '@vestibule/keys'
import type { Clock } from '@vestibule/network'
import { acceptIdentity, parseDeviceAdmission, type Storage } from '@vestibule/space'
import type { InvitationFields } from '../invitation.ts'
import type { InvitationLink } from '../link/link.ts'
import { commitment, deriveLinkKeys } from '../link/link-keys.ts'
import { deviceRequestCodec, type Preview, provenDeviceRequestCodec } from '../protocol/messages.ts'
import { proofStatement } from '../protocol/transcript.ts'
import { encodeStoredDeviceAcceptance, parseStoredDeviceAcceptance } from '../records.ts'
import type { GuestKind, Membership } from './kind.ts'

/** What a device without an identity has. */
interface NewDevice {
  readonly keyring: Keyring
  readonly storage: Storage
  readonly clock: Clock
  /** What it is to be called: at most 64 bytes of UTF-8, and may be empty. */
  readonly label: string
}

/** Asks to become a device of an identity. */
export class DeviceGuest implements GuestKind {
  readonly #own: NewDevice
  readonly #link: InvitationLink
  #keys: { readonly deviceKey: PublicKey; readonly agreementKey: Uint8Array } | undefined

  constructor(own: NewDevice, link: InvitationLink) {
    this.#own = own
    this.#link = link
  }

  resume(record: Uint8Array): void {
    this.#keys = parseStoredDeviceAcceptance(record)
  }

  async prepare(): Promise<Uint8Array> {
    const { keyring } = this.#own
    let keys = this.#keys
    if (keys === undefined) {
      const [deviceKey, agreementKey] = await Promise.all([keyring.createKey(), keyring.createAgreementKey()])
      keys = { deviceKey, agreementKey }
      this.#keys = keys
    }
    return encodeStoredDeviceAcceptance({ link: this.#link, ...keys })
  }

  async discard(): Promise<void> {
    if (this.#keys === undefined) return
    await this.#own.keyring.deleteKey(this.#keys.deviceKey)
    await this.#own.keyring.deleteAgreementKey(this.#keys.agreementKey)
  }

  /** Device and agreement key with the name; the feeds of the identity's spaces it makes itself, once it is in. */
  async request(th2: Uint8Array): Promise<Uint8Array> {
    if (this.#keys === undefined) throw new TypeError('the keys are made before they are proven')
    const { deviceKey, agreementKey } = this.#keys
    const { keyring, label } = this.#own
    const request = deviceRequestCodec.encode({ device: deviceKey.toBytes(), agreementKey, label })
    const device = await keyring.sign(deviceKey, proofStatement('DEVICE', th2, request))
    return provenDeviceRequestCodec.encode({ request, device })
  }

  /** That it names this device is checked by `acceptIdentity`, before it writes. */
  async read(answer: Uint8Array): Promise<Membership | undefined> {
    const admission = await parseDeviceAdmission(answer)
    const { identityKey, profile } = admission
    const promised = commitment(deriveLinkKeys(this.#link.secret), 'DEVICE', identityKey.toBytes())
    const keys = this.#keys
    if (keys === undefined || !equalBytes(this.#link.commitment, promised)) return undefined
    const { keyring, storage, clock } = this.#own
    return {
      store: async ({ alsoWrite }) => {
        await acceptIdentity(admission, { keyring, storage, clock, ...keys, identityKey, alsoWrite })
        return { identityKey: String(identityKey), inviterName: profile.displayName }
      },
    }
  }

  shown({ inviterName }: Preview): Partial<InvitationFields> {
    return { inviterName }
  }
}
