import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A Secret Service of its own, as a Linux desktop has one, on a bus of its own. */
export interface SecretService extends AsyncDisposable {
  /** Locks it, as when the user locks the keychain. Nobody is there to unlock it again. */
  lock(): Promise<void>
}

/** Starts a service with an empty, unlocked keychain, and points this process to it. */
export async function startSecretService(programs: {
  readonly bus: string
  readonly keyring: string
}): Promise<SecretService> {
  const home = await mkdtemp(join(tmpdir(), 'vestibule-keychain-'))
  // No display, so that nothing can ask for a passphrase on the developer's screen.
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...inherited } = process.env
  const env = { ...inherited, HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: home }
  const bus = spawn(programs.bus, ['--session', '--nofork', '--print-address'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const address = String((await once(bus.stdout, 'data'))[0]).trim()
  const onBus = { ...env, DBUS_SESSION_BUS_ADDRESS: address }
  // It goes on in the background when it is ready, and ends with the bus.
  const keyring = spawn(programs.keyring, ['--unlock', '--components=secrets'], {
    env: onBus,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  keyring.stdin.end('passphrase of the login')
  await once(keyring, 'exit')
  process.env['DBUS_SESSION_BUS_ADDRESS'] = address
  return {
    lock: async () => {
      const to = ['--session', '--print-reply', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets']
      const method = 'org.freedesktop.Secret.Service.Lock'
      const login = 'array:objpath:/org/freedesktop/secrets/collection/login'
      await promisify(execFile)('dbus-send', [...to, method, login], { env: onBus })
    },
    [Symbol.asyncDispose]: () => ended(bus),
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill()
  await exit
}
