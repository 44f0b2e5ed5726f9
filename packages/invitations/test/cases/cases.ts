/** A case of acceptance, and the tests that are it: by file, and by the end of the test's whole name. */
export interface Case {
  readonly what: string
  readonly file: string
  readonly tests: readonly string[]
}

const of = (file: string, what: string, ...tests: readonly string[]): Case => ({ what, file, tests })

/** What a system of invitations has to do by any account, whoever built it. `pnpm cases` runs each 200 times. */
export const CASES: readonly Case[] = [
  of('scenario/joining', 'genesis', 'has one member after its genesis, who may invite'),
  of(
    'scenario/joining',
    'genesis with data already there',
    'with data in it gives all of it to a new member, who writes on',
  ),
  of(
    'scenario/joining',
    'create and accept',
    'joins with link and code, and both sides go through their states in order',
  ),
  of(
    'scenario/joining',
    'no authentication',
    'joins without a code where none is wanted, and is never asked for one',
  ),
  of(
    'scenario/joining',
    'already joined',
    'that is a member already ends with SUCCESS at once, and nothing is asked of the host',
  ),
  of(
    'scenario/joining',
    'another host after one host’s error',
    'another host helps where the first one failed',
  ),
  of(
    'scenario/joining',
    'many hosts, many guests',
    'one host serves many single-use invitations at once, each to its own guest',
    'one guest joins the spaces of many hosts at once',
  ),
  of(
    'scenario/codes',
    'wrong code, then right',
    'that is wrong is asked for again, with how many are left, and the right one then joins',
  ),
  of('scenario/endings', 'timeout', 'runs out for a guest that finds nobody'),
  of(
    'scenario/endings',
    'the host stays after a guest times out',
    'runs out for a guest whose person gives no code, and the host stays for the next',
  ),
  of(
    'scenario/endings',
    'cancel',
    'ends a guest that is being asked for the code, and turns away later ones, after a restart too',
  ),
  of(
    'scenario/endings',
    'the host stays after a guest leaves',
    'while it is asked for the code keeps nothing, and the host stays for the next',
  ),
  of(
    'scenario/endings',
    'success after the first guest’s error',
    'because its disk failed leaves the host waiting for the next',
  ),
  of(
    'scenario/many-guests',
    'multi-use, many guests',
    'admits many guests side by side, and the host hears of each',
  ),
  of(
    'scenario/many-guests',
    'single use with many guests',
    'with many guests admits exactly one, and tells the others that it was used',
  ),
  of(
    'scenario/many-guests',
    'a superseded connection',
    'a newer one takes over from a silent one, and what the older says then changes nothing',
  ),
  of(
    'scenario/devices',
    'a device: identity created',
    'that was created may invite devices, for ten minutes and with a code; a device without one may not',
  ),
  of(
    'scenario/devices',
    'a device: create and accept',
    'joins with link, code and a yes, and has all the spaces of its identity; both see their states',
  ),
  of(
    'scenario/devices',
    'a device: already joined',
    'that is one already ends with SUCCESS at once; one of another identity is told so',
  ),
  of(
    'link',
    'links',
    'a link encodes and decodes',
    'printing a link shows neither its text nor its secret',
    'a guest key is encoded where the method is a known public key, as a hash or as the seed of a pair',
  ),
  of(
    'scenario/observing',
    'secrets are never printed',
    'never shows a secret of the invitation when it is printed',
  ),
]
