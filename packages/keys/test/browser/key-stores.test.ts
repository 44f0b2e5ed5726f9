import { SealedKeyStore } from '@vestibule/keys'
import { IndexedDbKeyStore, WebCryptoKeyHolder } from '@vestibule/keys/browser'
import { dataKeyHolderSuite, keyStoreSuite } from '@vestibule/keys/testing'

/** The least that is allowed, so that the tests take milliseconds. */
const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const fresh = () => crypto.randomUUID()

keyStoreSuite('IndexedDB', async () => {
  const name = fresh()
  return { store: new IndexedDbKeyStore(name), reopen: async () => new IndexedDbKeyStore(name) }
})

keyStoreSuite('IndexedDB under a passphrase', async () => {
  const name = fresh()
  const open = () => SealedKeyStore.open(new IndexedDbKeyStore(name), 'correct horse', { cost })
  return { store: await open(), reopen: open }
})

keyStoreSuite('IndexedDB under a non-extractable key', async () => {
  const name = fresh()
  const open = () =>
    SealedKeyStore.openHeld(new IndexedDbKeyStore(name), new WebCryptoKeyHolder(`${name}-keys`))
  return { store: await open(), reopen: open }
})

dataKeyHolderSuite('WebCrypto', async () => {
  const name = fresh()
  return { holder: new WebCryptoKeyHolder(name), reopen: async () => new WebCryptoKeyHolder(name) }
})
