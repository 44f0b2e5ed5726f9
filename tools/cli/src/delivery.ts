import type { Space } from '@vestibule/space'
import { type Context, within } from './context.ts'

/** How long to look for somebody who hears of it. */
export interface Waiting {
  readonly waitSeconds: number
}

/** Whether, within a time, another member of each space has stored all that this device wrote there. */
export async function delivered(
  context: Context,
  spaces: readonly Space[],
  { waitSeconds }: Waiting,
): Promise<boolean> {
  const signal = within(context, waitSeconds * 1000)
  const outcomes = await Promise.allSettled(spaces.map((space) => space.delivered({ signal })))
  return outcomes.every(({ status }) => status === 'fulfilled')
}

/** Those in which there is somebody else to hear of anything. */
export const sharedOnes = (spaces: readonly Space[]): Space[] =>
  spaces.filter((space) => space.removal === undefined && space.members().length > 1)
