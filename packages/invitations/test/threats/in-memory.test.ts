import { World } from '../scenario/world.ts'
import { crowds } from './crowds.ts'
import { falseGuests } from './false-guests.ts'
import { falseHosts } from './false-hosts.ts'

const open = async (): Promise<World> => new World()
falseGuests(open, 120)
falseHosts(open)
crowds(open, { guessers: 40, guesses: 25, bad: 1_000, silent: 100 })
