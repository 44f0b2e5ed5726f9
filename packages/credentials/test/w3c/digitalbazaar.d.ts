// The verifier of Digital Bazaar has no types of its own. Only what the tests use of it is described here.

declare module '@digitalbazaar/vc' {
  export interface Verdict {
    readonly verified: boolean
    readonly error?: Error & { readonly errors?: readonly Error[] }
  }
  export type DocumentLoader = (url: string) => Promise<{ documentUrl: string; document: unknown }>
  interface Options {
    readonly credential: object
    readonly suite: unknown
    readonly documentLoader: DocumentLoader
    readonly now?: string
  }
  export function verifyCredential(options: Options): Promise<Verdict>
  export function issue(options: Options): Promise<{ readonly proof: { readonly proofValue: string } }>
  export const defaultDocumentLoader: DocumentLoader
}

declare module '@digitalbazaar/data-integrity' {
  export class DataIntegrityProof {
    constructor(options: { cryptosuite: unknown; signer?: unknown; date?: string })
  }
}

declare module '@digitalbazaar/eddsa-jcs-2022-cryptosuite' {
  export function createSignCryptosuite(): unknown
  export function createVerifyCryptosuite(): unknown
}

declare module '@digitalbazaar/ed25519-multikey' {
  interface KeyPair {
    signer(): unknown
    export(options: { publicKey: true; includeContext: true }): Promise<object>
  }
  export function generate(options: { controller: string; seed: Uint8Array }): Promise<KeyPair>
  export function from(key: {
    type: 'Multikey'
    id: string
    controller: string
    publicKeyMultibase: string
  }): Promise<KeyPair>
}
