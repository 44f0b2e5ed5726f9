import { type Need, pathOf } from '../../../machine.base.ts'

const keychain = (program: string, install: string): Need => ({
  tests: 'the tests with a real keychain',
  programs: [program],
  install,
  required: 'VESTIBULE_REQUIRE_KEYCHAIN',
})

/** The programs of a Secret Service, or `undefined`: then its tests are left out, and the console says so. */
export function secretServicePrograms(): { readonly bus: string; readonly keyring: string } | undefined {
  const bus = pathOf(keychain('dbus-daemon', 'dbus'))
  const keyring = bus && pathOf(keychain('gnome-keyring-daemon', 'gnome-keyring'))
  return bus && keyring ? { bus, keyring } : undefined
}
