import { describe, vi } from 'vitest'
import { crowds } from './crowds.ts'
import { falseGuests } from './false-guests.ts'
import { falseHosts } from './false-hosts.ts'
import { Sockets } from './sockets.ts'

vi.setConfig({ testTimeout: 60_000 })

describe('over libp2p', () => {
  falseGuests(() => Sockets.open(), 30)
  falseHosts(() => Sockets.open())
  crowds(() => Sockets.open(), { guessers: 20, guesses: 5, bad: 100, silent: 20 })
})
