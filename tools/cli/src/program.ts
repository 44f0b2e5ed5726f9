import { PublicKey } from '@vestibule/keys'
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import envPaths from 'env-paths'
import { exportSpace, importSpace } from './commands/archive.ts'
import { labelDevice, listDevices, profile, type RevokeOptions, revokeDevice } from './commands/device.ts'
import { init } from './commands/init.ts'
import { cancelInvitation, listInvitations } from './commands/invitations.ts'
import { type InviteDeviceOptions, inviteDevice, joinDevice } from './commands/invite-device.ts'
import { joinSpace } from './commands/join.ts'
import { changeRole, handOver, leaveSpace, removeMember } from './commands/member.ts'
import { log, say } from './commands/messages.ts'
import { backUp, createRecovery, type RecoverOptions, recover } from './commands/recovery.ts'
import { type ShareOptions, shareSpace } from './commands/share.ts'
import { createSpace, listMembers, listSpaces } from './commands/space.ts'
import type { Context } from './context.ts'
import type { Waiting } from './delivery.ts'
import { adviceFor, EXIT, exitCodeOf } from './exit-codes.ts'
import { makeOutput } from './output.ts'
import { makePrompt } from './prompt.ts'

interface GlobalOptions {
  readonly data: string
  readonly relay: string[]
  readonly listen: string[]
  readonly json: boolean
}

const program = new Command('vestibule')
  .description('Shared spaces, peer to peer: create one, invite somebody with a link and a code, write.')
  .addOption(
    new Option('--data <dir>', 'data directory')
      .env('VESTIBULE_DATA')
      .default(envPaths('vestibule', { suffix: '' }).data),
  )
  .addOption(
    new Option('--relay <multiaddr>', 'a relay to meet at; may be given more than once, and is remembered')
      .env('VESTIBULE_RELAY')
      .default([])
      .argParser((value: string, before: string[]) => [...before, ...value.split(',')]),
  )
  .addOption(
    new Option('--listen <multiaddr>', 'an address to be dialled at, e.g. /ip4/0.0.0.0/tcp/4100/ws')
      .default([])
      .argParser((value: string, before: string[]) => [...before, value]),
  )
  .option('--json', 'print one JSON object a line, for scripts', false)
  .exitOverride()
  .showHelpAfterError()

program
  .command('init')
  .description('make an identity, with this device as its first')
  .requiredOption('--name <name>', 'what others see')
  .action(run((context, { options }: Given<{ name: string }>) => init(context, options)))

const space = program.command('space').description('create, share, join and list spaces')
space
  .command('create')
  .description('make a space')
  .argument('<name>')
  .action(run((context, { words: [name = ''] }) => createSpace(context, name)))
space
  .command('share')
  .description('invite somebody: prints a link and a code, and waits')
  .argument('<space>', 'name, or the beginning of the key')
  .addOption(
    new Option('--role <role>', 'what the guest may do')
      .choices(['reader', 'editor', 'admin', 'owner'])
      .default('editor'),
  )
  .option('--no-history', 'the guest reads only what is written from then on')
  .option(
    '--guest <key>',
    'for this identity only, which needs no code; `profile` shows one’s own',
    publicKey,
  )
  .addOption(
    new Option('--delegated', 'every member who may invite serves it while you are away')
      .default(false)
      .conflicts('approve'),
  )
  .option('--no-code', 'the link alone lets somebody in')
  .option('--words', 'a code of words instead of digits', false)
  .option('--multi-use', 'any number of guests', false)
  .option('--uses <n>', 'with --multi-use: so many guests', wholeNumber)
  .option('--open', 'allow a link without a code for any number of guests', false)
  .option('--approve', 'ask you before anybody is let in', false)
  .option('--no-qr', 'no QR code')
  .option('--site <url>', 'put the link into the fragment of this URL')
  .option('--expires-minutes <n>', 'how long it can be used', wholeNumber, 24 * 60)
  .action(
    run((context, { words: [wanted = ''], options }: Given<ShareOptions>) =>
      shareSpace(context, wanted, { ...options, role: options.role.toUpperCase() as ShareOptions['role'] }),
    ),
  )
space
  .command('join')
  .description('accept an invitation; asks for the link and the code')
  .argument('[link]', 'better left out: others on this machine can see it')
  .action(run((context, { words: [link] }) => joinSpace(context, link)))
space
  .command('export')
  .description('write a space into a file, sealed under a passphrase that it asks for')
  .argument('<space>')
  .argument('<file>')
  .option('--no-keys', 'not sealed and without its keys: to be merged into the space where it is')
  .action(
    run((context, { words: [wanted = '', file = ''], options }: Given<{ keys: boolean }>) =>
      exportSpace(context, wanted, file, options),
    ),
  )
space
  .command('import')
  .description('take in what `space export` wrote; asks for the passphrase')
  .argument('<file>')
  .action(run((context, { words: [file = ''] }) => importSpace(context, file)))
space
  .command('list')
  .description('list your spaces')
  .action(run((context) => listSpaces(context)))

space
  .command('invitations')
  .description('list the delegated invitations of a space, or cancel one')
  .argument('<space>')
  .option('--cancel <id>', 'the one whose id begins so, for all who serve it')
  .addOption(waiting())
  .action(
    run((context, { words: [wanted = ''], options }: Given<Waiting & { cancel?: string }>) =>
      options.cancel === undefined
        ? listInvitations(context, wanted)
        : cancelInvitation(context, wanted, options.cancel, options),
    ),
  )

space
  .command('leave')
  .description('end your own membership; what was written stays')
  .argument('<space>')
  .addOption(waiting())
  .action(
    run((context, { words: [wanted = ''], options }: Given<Waiting>) => leaveSpace(context, wanted, options)),
  )
space
  .command('hand-over')
  .description('make another member owner, and yourself admin')
  .argument('<space>')
  .argument('<member>', 'name, or the beginning of the identity')
  .addOption(waiting())
  .action(
    run((context, { words: [wanted = '', who = ''], options }: Given<Waiting>) =>
      handOver(context, wanted, who, options),
    ),
  )

const member = program.command('member').description('remove members and change their roles')
member
  .command('remove')
  .description('remove a member, or everybody who came in by a link')
  .argument('<space>')
  .argument('[member]', 'name, or the beginning of the identity')
  .option('--invitation <id>', 'everybody who came in by this link; `members --json` shows its id')
  .addOption(waiting())
  .action(
    run((context, { words: [wanted = '', who], options }: Given<Waiting & { invitation?: string }>) =>
      removeMember(context, wanted, who, options),
    ),
  )
member
  .command('role')
  .description('give a member another role, or yourself a lower one')
  .argument('<space>')
  .argument('<member>', 'name, or the beginning of the identity')
  .addArgument(new Argument('<role>').choices(['reader', 'editor', 'admin', 'owner']))
  .addOption(waiting())
  .action(
    run((context, { words: [wanted = '', who = '', role = ''], options }: Given<Waiting>) =>
      changeRole(context, wanted, who, role.toUpperCase() as ShareOptions['role'], options),
    ),
  )

program
  .command('members')
  .description('list who is in a space')
  .argument('<space>')
  .action(run((context, { words: [wanted = ''] }) => listMembers(context, wanted)))
program
  .command('say')
  .description('write a message')
  .argument('<space>')
  .argument('<text>')
  .option('--wait-seconds <n>', 'how long to look for another member', wholeNumber, 10)
  .action(
    run((context, { words: [wanted = '', text = ''], options }: Given<{ waitSeconds: number }>) =>
      say(context, wanted, text, options),
    ),
  )
program
  .command('log')
  .description('read the messages')
  .argument('<space>')
  .option('--follow', 'stay online and show what comes', false)
  .action(
    run((context, { words: [wanted = ''], options }: Given<{ follow: boolean }>) =>
      log(context, wanted, options),
    ),
  )

program
  .command('profile')
  .description('show the name that others see, or change it, in all your spaces')
  .argument('[name]')
  .addOption(waiting())
  .action(run((context, { words: [name], options }: Given<Waiting>) => profile(context, name, options)))

const device = program.command('device').description('your devices')
device
  .command('list')
  .description('list them, revoked ones too')
  .action(run((context) => listDevices(context)))
device
  .command('label')
  .description('give this device a name, or another')
  .argument('<name>')
  .argument('[device]', 'name, or the beginning of the key')
  .action(run((context, { words: [name = '', who] }) => labelDevice(context, name, who)))
device
  .command('revoke')
  .description('end what a device may do in your name, everywhere')
  .argument('[device]', 'name, or the beginning of the key')
  .option('--others', 'all but this one; asks for the recovery phrase', false)
  .option('--phrase', 'by the recovery phrase, which may revoke any device', false)
  .addOption(waiting())
  .action(
    run((context, { words: [who], options }: Given<RevokeOptions>) => revokeDevice(context, who, options)),
  )
device
  .command('invite')
  .description('add a device: prints a link and a code, and asks you before it is added')
  .option('--words', 'a code of words', false)
  .option('--no-qr', 'no QR code')
  .option('--site <url>', 'put the link into the fragment of this URL')
  .action(run((context, { options }: Given<InviteDeviceOptions>) => inviteDevice(context, options)))
device
  .command('join')
  .description('make this machine a device of yours; asks for the link and the code')
  .argument('[link]', 'better left out: others on this machine can see it')
  .option('--label <name>', 'what the device is called; the name of the machine unless given')
  .action(
    run((context, { words: [link], options }: Given<{ label?: string }>) =>
      joinDevice(context, link, options),
    ),
  )

const recovery = program.command('recovery').description('prepare for the loss of this device')
recovery
  .command('create')
  .description('make a recovery phrase of 24 words, shown once')
  .action(run((context) => createRecovery(context)))
recovery
  .command('backup')
  .description(
    'write a file that brings you and your spaces back with the phrase, and is of no use without it',
  )
  .argument('<file>')
  .action(run((context, { words: [file = ''] }) => backUp(context, file)))
program
  .command('recover')
  .description('bring your identity back on a bare machine; asks for the recovery phrase')
  .option('--backup <file>', 'from a file that `recovery backup` wrote, instead of from others')
  .addOption(
    new Option('--from <multiaddr>', 'where a device of yours or a member of a space can be dialled')
      .default([])
      .argParser((value: string, before: string[]) => [...before, value]),
  )
  .option('--revoke-others', 'revoke all your other devices, where one was stolen', false)
  .option('--wait-seconds <n>', 'how long to look for others', wholeNumber, 60)
  .action(run((context, { options }: Given<RecoverOptions>) => recover(context, options)))

interface Given<O> {
  readonly words: readonly (string | undefined)[]
  readonly options: O
}

/** Runs a command with its context, and releases what it holds when it is told to stop. */
function run<O>(command: (context: Context, given: Given<O>) => Promise<void>) {
  return async (...args: unknown[]): Promise<void> => {
    const self = args.at(-1) as Command
    const { data, relay, listen, json } = self.optsWithGlobals<GlobalOptions>()
    const stopping = new AbortController()
    const stop = () => stopping.abort(new Error('interrupted'))
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const prompt = makePrompt()
    try {
      const context = {
        place: { data, relays: relay, listen },
        output: makeOutput(json),
        prompt,
        signal: stopping.signal,
      }
      await command(context, {
        words: self.processedArgs as (string | undefined)[],
        options: self.opts<O & object>(),
      })
    } finally {
      prompt.close()
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
  }
}

function waiting(): Option {
  return new Option('--wait-seconds <n>', 'how long to look for another member')
    .default(10)
    .argParser(wholeNumber)
}

function publicKey(text: string): PublicKey {
  try {
    return PublicKey.from(text)
  } catch {
    throw new InvalidArgumentError('expected a public key, as did:key, hex or base58')
  }
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new InvalidArgumentError('expected a whole number above 0')
  return value
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
  // The parser has said what is wrong with the arguments, and shown the help.
  if (!(error instanceof CommanderError)) {
    const output = makeOutput(process.argv.includes('--json'))
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNEXPECTED'
    output.error(code, adviceFor(error))
    if (process.exitCode === EXIT.unexpected && error instanceof Error && process.env['VESTIBULE_DEBUG'])
      process.stderr.write(`${error.stack}\n`)
  }
}
