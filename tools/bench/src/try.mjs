import { syncSizes } from '/work/wt/feeds/tools/bench/src/sync/sync.ts'

const t = performance.now()
const { report, text } = await syncSizes(
  { entries: Number(process.argv[2] ?? 10000), largeEntries: Number(process.argv[3] ?? 200) },
  { runs: Number(process.argv[4] ?? 2) },
)
console.log(text, report, Math.round(performance.now() - t))
process.exit()
