import { DataIntegrityProof } from '@digitalbazaar/data-integrity'
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey'
import { createSignCryptosuite, createVerifyCryptosuite } from '@digitalbazaar/eddsa-jcs-2022-cryptosuite'
import { type DocumentLoader, defaultDocumentLoader, issue, verifyCredential } from '@digitalbazaar/vc'

/** Resolves `did:key` as its method says, and nothing from any network. */
const documentLoader: DocumentLoader = async (url) => {
  const [did = '', fragment] = url.split('#')
  if (!did.startsWith('did:key:')) return defaultDocumentLoader(url)
  const multikey = did.slice('did:key:'.length)
  const id = `${did}#${multikey}`
  const method = { type: 'Multikey', id, controller: did, publicKeyMultibase: multikey } as const
  const key = await Ed25519Multikey.from(method)
  const document =
    fragment === undefined
      ? {
          '@context': ['https://www.w3.org/ns/did/v1'],
          id: did,
          verificationMethod: [method],
          assertionMethod: [id],
        }
      : await key.export({ publicKey: true, includeContext: true })
  return { documentUrl: url, document }
}

/** What a verifier that knows nothing of this package says of a document, at a moment. Undefined when it accepts. */
export async function refusalByOthers(credential: object, now: string): Promise<string | undefined> {
  const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() })
  const { verified, error } = await verifyCredential({ credential, suite, documentLoader, now })
  if (verified) return undefined
  return [error, ...(error?.errors ?? [])].map((one) => one?.message ?? 'no reason').join(' ')
}

/** The proof that they make for a document with the key of a seed. */
export async function proofByOthers(
  credential: object,
  by: { readonly did: string; readonly seed: Uint8Array; readonly created: string },
): Promise<string> {
  const key = await Ed25519Multikey.generate({ controller: by.did, seed: by.seed })
  const suite = new DataIntegrityProof({
    cryptosuite: createSignCryptosuite(),
    signer: key.signer(),
    date: by.created,
  })
  return (await issue({ credential, suite, documentLoader })).proof.proofValue
}
