#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import envPaths from 'env-paths'

// Half of the time of a short command is compiling, unless that was kept. Where only this user writes: what is kept runs.
enableCompileCache(envPaths('vestibule', { suffix: '' }).cache)
await import('./program.ts')
