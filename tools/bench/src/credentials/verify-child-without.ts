import { registerHooks } from 'node:module'

// As where the optional package is not installed.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'sodium-native') throw new Error(`${specifier} is left out`)
    return next(specifier, context)
  },
})
await import('./verify-child.ts')
