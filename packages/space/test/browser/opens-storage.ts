/** A worker that is told the name of a storage, opens it, and says what came of it. */
import { IndexedDbStorage } from '@vestibule/space/browser'

self.onmessage = async ({ data }: MessageEvent<string>) => {
  const outcome = await IndexedDbStorage.open(data).then(
    () => 'open',
    (error: { code: string }) => error.code,
  )
  self.postMessage(outcome)
}
