/** The roles of a space, from the lowest to the highest. */
export const ROLES = ['READER', 'EDITOR', 'ADMIN', 'OWNER'] as const

/**
 * What a member may do. A READER reads; an EDITOR also writes data; an ADMIN also admits, up to ADMIN;
 * an OWNER admits at any role.
 */
export type Role = (typeof ROLES)[number]

/** Whether `role` may do at least what `least` may. */
export function isAtLeast(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least)
}

/** Whether a holder of `own` may admit somebody at `granted`: admins and owners may, never above themselves. */
export function mayAdmit(own: Role, granted: Role): boolean {
  return isAtLeast(own, 'ADMIN') && isAtLeast(own, granted)
}
