import { equalBytes, PublicKey, verifySignature } from '@vestibule/keys'
import { encodeDeviceAdmission, type Identity } from '@vestibule/space'
import { deviceRequestCodec, type Preview, provenDeviceRequestCodec } from '../protocol/messages.ts'
import { proofStatement } from '../protocol/transcript.ts'
import type { Applicant, HostKind, Unproven } from './kind.ts'

/** Invites a device: guests become devices of the own identity, with all its spaces. */
export class DeviceHost implements HostKind {
  readonly #identity: Identity

  constructor(identity: Identity) {
    this.#identity = identity
  }

  preview(): Preview {
    return { spaceName: '', inviterName: this.#identity.profile.displayName, role: 'NONE' }
  }

  async verify(proven: Uint8Array, th2: Uint8Array): Promise<Applicant | Unproven> {
    const { request, device: signature } = provenDeviceRequestCodec.parse(proven)
    const { device, agreementKey, label } = deviceRequestCodec.parse(request)
    const deviceKey = PublicKey.from(device)
    // The X25519 agreement key can't sign; the device's signature covers it.
    if (equalBytes(device, agreementKey)) return 'PROOF_INVALID'
    if (!(await verifySignature(deviceKey, proofStatement('DEVICE', th2, request), signature)))
      return 'PROOF_INVALID'
    return {
      key: deviceKey,
      shown: { deviceKey, displayName: label },
      admit: async (alsoWrite) => {
        const candidate = { deviceKey, agreementKey, label }
        return encodeDeviceAdmission(
          await this.#identity.admitDevice(candidate, { ...(alsoWrite && { alsoWrite }) }),
        )
      },
    }
  }

  /** For a single use there is nobody else to be warned of. */
  onRemovals(): () => void {
    return () => {}
  }

  isRemoved(device: PublicKey): boolean {
    return this.#identity.devices().some(({ key, revoked }) => key === device && revoked)
  }
}
